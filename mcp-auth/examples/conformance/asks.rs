//! What goes to the client before the answer does: progress, log messages, and in the old era requests of ours.

use std::{sync::atomic::Ordering, time::Duration};

use rmcp::{
    ErrorData,
    model::{LoggingLevel, ProgressNotificationParam, ProtocolVersion},
    service::ServiceError,
};
use serde_json::{Value, json};

use crate::{Cx, Fixture, made};

/// The suite wants to see that what is sent is not kept until the end.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn progress(cx: &Cx) -> Result<(), ErrorData> {
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = cx.meta.get_progress_token() {
            let told = ProgressNotificationParam::new(token, done).with_total(100.0);
            cx.peer.notify_progress(told).await.map_err(|error| gone(&error))?;
        }
        if done < 100.0 {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Log messages, to whoever wants them: the old era says it once for a session, the modern one with each request.
pub(crate) async fn log(server: &Fixture, cx: &Cx) -> Result<(), ErrorData> {
    let is_modern = cx.protocol_version() >= Some(ProtocolVersion::V_2026_07_28);
    let wanted = match (is_modern, cx.meta.log_level()) {
        (true, level) => matches!(level, Some(LoggingLevel::Debug | LoggingLevel::Info)),
        (false, _) => !server.quiet.load(Ordering::Relaxed),
    };
    for (place, said) in
        ["Tool execution started", "Tool processing data", "Tool execution completed"]
            .iter()
            .enumerate()
    {
        if place > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        if wanted {
            let params = json!({"level": "info", "data": said});
            let message = json!({"method": "notifications/message", "params": params});
            cx.peer.send_notification(made(message)?).await.map_err(|error| gone(&error))?;
        }
    }
    Ok(())
}

/// Asks the client, and waits for what it says (the old era).
pub(crate) async fn ask(cx: &Cx, request: Value) -> Result<Value, ErrorData> {
    let answer = cx.peer.send_request(made(request)?).await.map_err(|error| gone(&error))?;
    serde_json::to_value(answer).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn gone(error: &ServiceError) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

/// A form with these fields.
pub(crate) fn form(message: &str, properties: &Value) -> Value {
    let required: Vec<_> = properties.as_object().into_iter().flat_map(|all| all.keys()).collect();
    let schema = json!({"type": "object", "properties": properties, "required": required});
    json!({"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}})
}

/// A form with a default of every simple type.
pub(crate) fn defaults() -> Value {
    form(
        "Please correct what is wrong",
        &json!({
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
            "verified": {"type": "boolean", "default": true},
        }),
    )
}

/// A form with every way to write a choice.
pub(crate) fn choices() -> Value {
    let options = ["option1", "option2", "option3"];
    let titled = json!([
        {"const": "value1", "title": "First"}, {"const": "value2", "title": "Second"}, {"const": "value3", "title": "Third"},
    ]);
    form(
        "Please choose",
        &json!({
            "untitledSingle": {"type": "string", "enum": options},
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["One", "Two", "Three"]},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        }),
    )
}
