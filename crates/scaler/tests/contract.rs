//! Our interface definition against the one that KEDA publishes, so that neither a name nor a number is another.
#![allow(missing_docs, clippy::unwrap_used)]

use protox::prost_reflect::{DescriptorPool, Kind, MethodDescriptor};

/// The methods of `externalscaler.ExternalScaler` in kedacore/keda, tag v2.20.2, pkg/scalers/externalscaler/externalscaler.proto:
/// name, what is asked, what is answered, and whether the answer is a stream. Those of 2.16 are the same.
const METHODS: [(&str, &str, &str, bool); 4] = [
    ("IsActive", "ScaledObjectRef", "IsActiveResponse", false),
    ("StreamIsActive", "ScaledObjectRef", "IsActiveResponse", true),
    ("GetMetricSpec", "ScaledObjectRef", "GetMetricSpecResponse", false),
    ("GetMetrics", "GetMetricsRequest", "GetMetricsResponse", false),
];

/// The fields in the same file: message, number, name, type. In 2.16 those of the type double are not there.
const FIELDS: [(&str, u32, &str, &str); 14] = [
    ("ScaledObjectRef", 1, "name", "string"),
    ("ScaledObjectRef", 2, "namespace", "string"),
    ("ScaledObjectRef", 3, "scalerMetadata", "map<string, string>"),
    ("IsActiveResponse", 1, "result", "bool"),
    ("GetMetricSpecResponse", 1, "metricSpecs", "repeated MetricSpec"),
    ("MetricSpec", 1, "metricName", "string"),
    ("MetricSpec", 2, "targetSize", "int64"),
    ("MetricSpec", 3, "targetSizeFloat", "double"),
    ("GetMetricsRequest", 1, "scaledObjectRef", "ScaledObjectRef"),
    ("GetMetricsRequest", 2, "metricName", "string"),
    ("GetMetricsResponse", 1, "metricValues", "repeated MetricValue"),
    ("MetricValue", 1, "metricName", "string"),
    ("MetricValue", 2, "metricValue", "int64"),
    ("MetricValue", 3, "metricValueFloat", "double"),
];

fn ours() -> DescriptorPool {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
    let described = protox::compile(["externalscaler.proto"], [folder]).unwrap();
    DescriptorPool::from_file_descriptor_set(described).unwrap()
}

#[test]
fn the_methods_are_those_of_keda() {
    let pool = ours();
    let service = pool.get_service_by_name("externalscaler.ExternalScaler").unwrap();
    assert_eq!(pool.services().len(), 1);
    let told = |method: &MethodDescriptor| {
        assert!(!method.is_client_streaming());
        let names = [method.name(), method.input().name(), method.output().name()].map(str::to_owned);
        (names, method.is_server_streaming())
    };
    let methods: Vec<_> = service.methods().map(|method| told(&method)).collect();
    let wanted =
        METHODS.map(|(name, asked, answered, is_stream)| ([name, asked, answered].map(str::to_owned), is_stream));
    assert_eq!(methods, wanted);
}

#[test]
fn the_fields_are_those_of_keda() {
    let pool = ours();
    let mut fields = Vec::new();
    for message in pool.all_messages().filter(|message| !message.is_map_entry()) {
        assert_eq!(message.parent_file().package_name(), "externalscaler");
        for field in message.fields() {
            let name = match field.kind() {
                Kind::Message(of) if of.is_map_entry() => {
                    format!("map<{:?}, {:?}>", of.map_entry_key_field().kind(), of.map_entry_value_field().kind())
                }
                Kind::Message(of) => of.name().to_owned(),
                scalar => format!("{scalar:?}"),
            };
            let kind = if field.is_list() { format!("repeated {name}") } else { name };
            fields.push((message.name().to_owned(), field.number(), field.name().to_owned(), kind));
        }
    }
    fields.sort();
    let mut wanted =
        FIELDS.map(|(message, number, name, kind)| (message.to_owned(), number, name.to_owned(), kind.to_owned()));
    wanted.sort();
    assert_eq!(fields, wanted);
}
