//! What the API's document says of its operations, for tests that try them all.

use std::fmt;

use reqwest::Method;
use serde_json::{Map, Value, json};

/// An operation of the document.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The names in its path.
    pub(crate) names: Vec<String>,
    /// The schema of its body.
    pub(crate) body: Option<Value>,
    /// It answers with events that never end.
    pub(crate) is_stream: bool,
}

impl Operation {
    /// Its path with these values for the names.
    pub(crate) fn filled<'a>(&self, value: impl Fn(&str) -> &'a str) -> String {
        self.names.iter().fold(self.path.clone(), |path, name| path.replace(&format!("{{{name}}}"), value(name)))
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Every operation of the document.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let operation = |(path, (method, operation)): (&String, (&String, &Value))| {
        let names = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect();
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        Operation {
            id: operation["operationId"].as_str().unwrap().to_owned(),
            method: method.to_uppercase().parse().unwrap(),
            path: path.clone(),
            names,
            body: (!body.is_null()).then(|| body.clone()),
            is_stream: operation["responses"]["200"]["content"]["text/event-stream"].is_object(),
        }
    };
    let all = paths.iter().flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |method| (path, method)));
    let operations: Vec<Operation> = all.map(operation).collect();
    assert!(operations.len() > 20, "the document is nearly empty");
    operations
}

/// A value that the schema allows, with everything in it that it can have. Where it wants an id, it has this one.
pub(crate) fn example(document: &Value, schema: &Value, id: &str) -> Value {
    let inner = |schema: &Value| example(document, schema, id);
    if let Some(reference) = schema["$ref"].as_str() {
        return inner(document.pointer(&reference[1..]).unwrap());
    }
    if let Some(value) = schema["enum"][0].as_str().or(schema["const"].as_str()).or(schema["example"].as_str()) {
        return json!(value);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            return inner(choices.iter().find(|one| one["type"] != "null").unwrap());
        }
    }
    let types = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    match types.iter().find(|one| *one != "null").and_then(Value::as_str) {
        Some("object") => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            properties.iter().map(|(name, schema)| (name.clone(), inner(schema))).collect::<Map<_, _>>().into()
        }
        Some("array") => json!([inner(&schema["items"])]),
        Some("boolean") => json!(true),
        Some("integer" | "number") => json!(1),
        Some("string") => json!(text(schema, id)),
        _ => panic!("no example for {schema}"),
    }
}

fn text(schema: &Value, id: &str) -> String {
    match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (Some("date-time"), _) => "2099-01-01T00:00:00Z".to_owned(),
        (Some("date"), _) => "2026-06-20".to_owned(),
        (Some("uri"), _) => "https://example.com/hook".to_owned(),
        (_, Some(pattern)) if pattern.contains("}-") => format!("{id}-0"),
        (_, Some(_)) => id.to_owned(),
        _ => "taken over".to_owned(),
    }
}
