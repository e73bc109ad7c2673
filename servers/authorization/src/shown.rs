//! Which settings count, and where is each from? A file of settings that could be given to `--config`, and in its comments what
//! is no setting: who is known, without secrets.

use std::fmt::Write as _;

use clap::{Arg, ArgMatches, CommandFactory, parser::ValueSource};
use toml::{Table, Value};

use crate::{admin, client, config::Rights, demo::DEMO, settings::Settings};

/// Each setting in a line, by name.
pub(crate) fn settings<C: CommandFactory>(matches: &ArgMatches, settings: &Settings) -> String {
    let mut command = C::command();
    command.build(); // now each flag knows its default
    let all = command.get_arguments();
    let mut lines: Vec<_> = all.filter_map(|arg| line(arg, matches, settings)).collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line + "\n").collect()
}

/// A setting: its name, and its line.
fn line<'a>(arg: &'a Arg, matches: &ArgMatches, settings: &Settings) -> Option<(&'a str, String)> {
    let (id, name) = (arg.get_id().as_str(), arg.get_long()?);
    if ["print-config", "help", "version"].contains(&name) {
        return None;
    }
    let said = matches.try_get_raw(id).ok().flatten();
    let values: Vec<_> = said.into_iter().flatten().map(|v| v.to_string_lossy()).collect();
    let usual = arg.get_default_values().iter().map(|value| value.to_string_lossy());
    let from = match matches.value_source(id) {
        Some(ValueSource::CommandLine) => "flag",
        Some(ValueSource::EnvVariable) => "environment",
        None => "default",
        _ if usual.eq(values.iter().cloned()) => "default",
        _ => "file",
    };
    let shown = match &values[..] {
        [] => usually(name, settings).map(|value| format!("{name} = {value}")),
        [one] => Some(format!("{name} = {}", value(one))),
        all => {
            Some(format!("{name} = {}", Value::Array(all.iter().map(|one| value(one)).collect())))
        }
    };
    // the one setting that a file of settings cannot have
    let before = if name == "config" && shown.is_some() { "# " } else { "" };
    let line = shown.unwrap_or(format!("# {name} is not set"));
    let from = if values.is_empty() && line.starts_with('#') {
        String::new()
    } else {
        format!("  # {from}")
    };
    Some((name, format!("{before}{line}{from}")))
}

/// What counts where nothing is said.
fn usually(name: &str, settings: &Settings) -> Option<Value> {
    let service = &settings.service;
    let is_development = settings.url().is_development();
    let data = service.data(is_development).ok();
    let text = match name {
        // which one is free, is seen when it starts
        "issuer" if settings.listen.port != 0 => settings.url().to_string(),
        "resource" => {
            return Some(service.resources(is_development))
                .filter(|all| !all.is_empty())
                .map(Value::from);
        }
        "data" => data?.display().to_string(),
        "audit" => service.audit(&data?).display().to_string(),
        _ => return None,
    };
    Some(Value::String(text))
}

/// A setting as one writes it into a file.
fn value(text: &str) -> Value {
    match (text.parse::<i64>(), text.parse::<bool>()) {
        (Ok(number), _) => Value::Integer(number),
        (_, Ok(is)) => Value::Boolean(is),
        _ => Value::String(text.to_owned()),
    }
}

/// What is no flag: scopes, roles, clients without their secrets, people without their passwords.
pub(crate) fn rest(settings: &Settings) -> anyhow::Result<String> {
    let Rights { scopes, roles } = &settings.rights;
    let mut tables = Table::new();
    tables.insert("scopes".into(), Value::try_from(scopes)?);
    tables.insert("roles".into(), Value::try_from(roles)?);
    let mut shown = format!("\n{tables}");
    if let Some(file) = &settings.service.clients {
        let mut clients: Vec<_> = client::file::read(file)?.into_values().collect();
        clients.sort_by(|one, other| one.id.cmp(&other.id));
        let _ = writeln!(shown, "\n# clients of {}: {}", file.display(), clients.len());
        for client in clients {
            let proof = match client.proof {
                client::Proof::Public => "none",
                client::Proof::Secret(_) => "a secret: ********",
                client::Proof::Keys(_) => "keys",
            };
            let _ =
                writeln!(shown, "#   {}, proof {proof}, {}", client.id, client.redirects.join(" "));
        }
    } else {
        let _ = writeln!(shown, "\n# clients of a file: none");
    }
    if let Some(file) = &settings.service.people {
        let people = admin::listed(file, "#   ")?;
        let _ =
            write!(shown, "\n# people of {}: {}\n{people}", file.display(), people.lines().count());
    } else if settings.url().is_development() {
        let names = DEMO.map(|(name, ..)| name).join(", ");
        let _ = writeln!(shown, "\n# people, for development: {names}");
    }
    Ok(shown)
}
