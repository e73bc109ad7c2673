//! A browser without a screen: it follows links, keeps cookies, and fills in forms. It shows the last page, as a person sees it
//! who logs in with the command; that of `tests/src/browser.rs` is a client itself, and knows Keycloak's pages.

use std::collections::BTreeMap;

use reqwest::{Client, Method, Url, header, redirect::Policy};

/// More pages than this in a row lead nowhere.
const PAGES: usize = 12;

/// What a page asks, and what the person answers.
pub struct Person {
    pub name: &'static str,
    pub password: &'static str,
    /// `allow` or `deny`.
    pub decision: &'static str,
}

pub const USER: Person = Person { name: "mcp-user", password: "user123", decision: "allow" };
pub const GUEST: Person = Person { name: "mcp-guest", password: "guest123", decision: "allow" };

/// Opens a link, logs in and decides, and is brought back; the last page, with its status.
pub fn open(link: &str, person: &Person) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(walk(link, person))
}

/// Fetches one address.
pub fn get(link: &str) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = client().get(link).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    })
}

fn client() -> Client {
    Client::builder().redirect(Policy::none()).no_proxy().tls_certs_only([]).build().unwrap()
}

async fn walk(link: &str, person: &Person) -> (u16, String) {
    let (client, mut cookies) = (client(), BTreeMap::<String, String>::new());
    let (mut method, mut url, mut form) =
        (Method::GET, Url::parse(link).unwrap(), Vec::<(String, String)>::new());
    for _ in 0..PAGES {
        let origin = url.origin().ascii_serialization();
        let mut request = client.request(method.clone(), url.clone());
        if let Some(cookie) = cookies.get(&origin) {
            request = request.header(header::COOKIE, cookie);
        }
        if method == Method::POST {
            request = request.form(&form);
        }
        let answer = request.send().await.unwrap();
        if let Some(set) = answer.headers().get(header::SET_COOKIE) {
            let set = set.to_str().unwrap().split(';').next().unwrap();
            cookies.insert(origin, set.to_owned());
        }
        let status = answer.status();
        if status.is_redirection() {
            let to = answer.headers()[header::LOCATION].to_str().unwrap();
            (method, url) = (Method::GET, url.join(to).unwrap());
            continue;
        }
        let page = answer.text().await.unwrap();
        let Some((action, fields)) = filled(&page, person) else { return (status.as_u16(), page) };
        (method, url, form) = (Method::POST, url.join(&action).unwrap(), fields);
    }
    panic!("{PAGES} pages, and no end: {url}");
}

/// Where the form of a page goes, and what the person says in it.
fn filled(page: &str, person: &Person) -> Option<(String, Vec<(String, String)>)> {
    let form = page.split_once("<form")?.1.split_once("</form>")?.0;
    let mut fields: Vec<_> = form
        .split("<input")
        .filter(|input| input.contains("type=\"hidden\""))
        .map(|input| (attribute(input, "name"), attribute(input, "value")))
        .collect();
    if form.contains("name=\"username\"") {
        fields.push(("username".into(), person.name.into()));
        fields.push(("password".into(), person.password.into()));
    } else if form.contains("name=\"decision\"") {
        fields.push(("decision".into(), person.decision.into()));
    } else {
        return None;
    }
    Some((attribute(form, "action"), fields))
}

fn attribute(text: &str, name: &str) -> String {
    let rest = text.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("{name}: {text}")).1;
    rest.split_once('"').unwrap().0.replace("&amp;", "&").replace("&quot;", "\"")
}
