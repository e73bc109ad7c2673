//! The resources, by the URIs that the suite reads.

use rmcp::ErrorData;
use serde_json::{Value, json};

use crate::tools::PNG;

pub(crate) fn list() -> Value {
    let resource = |uri: &str, name: &str, kind: &str| json!({"uri": uri, "name": name, "description": name, "mimeType": kind});
    json!({"resultType": "complete", "resources": [
        resource("test://static-text", "A text", "text/plain"),
        resource("test://static-binary", "A picture", "image/png"),
        resource("test://watched-resource", "A text to watch", "text/plain"),
    ]})
}

pub(crate) fn templates() -> Value {
    json!({"resultType": "complete", "resourceTemplates": [{
        "uriTemplate": "test://template/{id}/data", "name": "Data by id",
        "description": "The data of an id", "mimeType": "application/json",
    }]})
}

pub(crate) fn read(uri: &str) -> Result<Value, ErrorData> {
    let text = |kind: &str, text: &str| json!({"uri": uri, "mimeType": kind, "text": text});
    let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
    let content = match (uri, id) {
        ("test://static-text", _) => {
            text("text/plain", "This is the content of the static text resource.")
        }
        ("test://static-binary", _) => json!({"uri": uri, "mimeType": "image/png", "blob": PNG}),
        ("test://watched-resource", _) => text("text/plain", "Nothing has changed here."),
        (_, Some(id)) if !id.is_empty() && !id.contains('/') => {
            let data =
                json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            text("application/json", &data.to_string())
        }
        _ => {
            let uri = json!({"uri": uri});
            return Err(ErrorData::resource_not_found("there is no such resource", Some(uri)));
        }
    };
    Ok(json!({"resultType": "complete", "contents": [content]}))
}
