//! Does our half of MCP pass the official conformance suite? The suite asks for tools and prompts with names of its
//! own; this server has them, built on the same registries and the same door as the steps.
//!
//! `scripts/check_all.sh --only conformance` runs it; `tests/clients/conformance.md` says what is left out.

use std::{process::ExitCode, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, request::Parts},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use clap::Parser;
use common::{
    Context, Era, ServerInfo, calls,
    jsonrpc::{self, Message, Refusal},
    legacy,
    modern::{check, discover, era},
    prompts::{Prompt, Prompts, user},
    server,
    settings::{Connections, Listen},
    tools::{NoArguments, Output, Tool, Tools, text},
};
use mcp_auth::{
    limits::Limits,
    origin::{self, Origins},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

const INFO: ServerInfo = ServerInfo { name: "conformance", version: env!("CARGO_PKG_VERSION") };

/// One red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// The header of a sound, and no sound.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

/// A server for the conformance suite.
#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    connections: Connections,
}

struct Endpoint {
    limits: Limits,
    tools: Tools,
    prompts: Prompts,
}

fn main() -> ExitCode {
    common::settings::main(async |settings: Settings| {
        let bound = server::bind(&settings.listen).await?;
        let url = &bound.url;
        let knocking = origin::Rule::new(url.hosts(), url.origin(), &Origins::default());
        let endpoint = Endpoint { limits: Limits::default(), tools: tools(), prompts: prompts() };
        let app = Router::new()
            .route("/health", get(server::health))
            .route(&url.route("/mcp"), post(answer).with_state(Arc::new(endpoint)))
            .method_not_allowed_fallback(server::wrong_method)
            .fallback(server::not_found)
            .layer(from_fn_with_state(knocking, origin::check))
            .layer(from_fn(server::log));
        println!("{}", url.endpoint());
        server::serve(bound, app, &settings.connections).await
    })
}

async fn answer(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let (parts, body) = match endpoint.limits.read(request).await {
        Ok(read) => read,
        Err(exceeded) => return exceeded.into_response(),
    };
    let message = match jsonrpc::parse(&body) {
        Ok(message) => message,
        Err(response) => return *response,
    };
    let era = match era(&parts.headers, &message) {
        Ok(era) => era,
        Err(refusal) => return refusal.answer(message.id.as_ref()),
    };
    let Some(id) = &message.id else { return StatusCode::ACCEPTED.into_response() };
    let result = run(&endpoint, &parts, era, &message).await;
    jsonrpc::respond(INFO, era, &parts.headers, id, result)
}

async fn run(
    endpoint: &Endpoint,
    parts: &Parts,
    era: Era,
    message: &Message,
) -> Result<Value, Refusal> {
    if era == Era::Modern {
        check(&parts.headers, message)?;
    }
    let cx = Context::new(parts, era, endpoint.limits.call_timeout);
    let (params, capabilities) = (&message.params, json!({"tools": {}, "prompts": {}}));
    match (era, message.method.as_str()) {
        (Era::Modern, "server/discover") => Ok(discover(&capabilities, "public")),
        (Era::Legacy, "initialize") => Ok(legacy::initialize(INFO, &capabilities, params)),
        (Era::Legacy, "ping") => Ok(json!({})),
        (_, "tools/list") => endpoint.tools.list(&cx, params, "public"),
        (_, "tools/call") => calls::call(&endpoint.tools, &cx, params).await,
        (_, "prompts/list") => endpoint.prompts.list(&cx, params, "public"),
        (_, "prompts/get") => calls::get(&endpoint.prompts, &cx, params).await,
        (era, unknown) => Err(Refusal::unknown_method(era, unknown)),
    }
}

fn tools() -> Tools {
    let resource = |uri: &str, mime: &str, text: &str| json!({"type": "resource", "resource": {"uri": uri, "mimeType": mime, "text": text}});
    let embedded = resource("test://embedded-resource", "text/plain", "An embedded resource.");
    let mixed = resource("test://mixed-content-resource", "application/json", r#"{"mixed":true}"#);
    let says = "This is a simple text response for testing.";
    Tools::new(vec![
        fixed("test_simple_text", "Says something", vec![text(says)]),
        fixed("test_image_content", "Shows a picture", vec![image()]),
        fixed(
            "test_audio_content",
            "Plays a sound",
            vec![json!({"type": "audio", "data": WAV, "mimeType": "audio/wav"})],
        ),
        fixed("test_embedded_resource", "Carries a resource", vec![embedded]),
        fixed(
            "test_multiple_content_types",
            "Text, picture and resource",
            vec![text("Text, a picture and a resource:"), image(), mixed],
        ),
        Tool::plain("test_error_handling", "Fails", "Always fails", |_, _: NoArguments| async {
            Err("This tool intentionally returns an error for testing".to_owned())
        }),
    ])
}

/// A tool that takes nothing and always gives this content.
fn fixed(name: &'static str, description: &str, content: Vec<Value>) -> Tool {
    Tool::plain(name, description, description, move |_: Context, _: NoArguments| {
        let content = content.clone();
        async { Ok(Output { content, structured: None }) }
    })
}

fn image() -> Value {
    json!({"type": "image", "data": PNG, "mimeType": "image/png"})
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Two {
    /// The first argument
    arg1: String,
    /// The second argument
    arg2: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct About {
    /// The URI of the resource to carry
    resource_uri: String,
}

fn prompts() -> Prompts {
    Prompts::new(vec![
        Prompt::new("test_simple_prompt", "Simple", "Takes nothing", |_, _: NoArguments| {
            vec![user(text("This is a simple prompt for testing."))]
        }),
        Prompt::new("test_prompt_with_arguments", "Arguments", "Takes two", |_, two: Two| {
            let Two { arg1, arg2 } = two;
            vec![user(text(format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")))]
        }),
        Prompt::new(
            "test_prompt_with_embedded_resource",
            "Resource",
            "Carries one",
            |_, a: About| {
                let resource =
                    json!({"uri": a.resource_uri, "mimeType": "text/plain", "text": "Text"});
                let resource = json!({"type": "resource", "resource": resource});
                vec![user(resource), user(text("Please look at the resource above."))]
            },
        ),
        Prompt::new("test_prompt_with_image", "Picture", "Shows one", |_, _: NoArguments| {
            vec![user(image()), user(text("Please look at the picture above."))]
        }),
    ])
}
