//! How a bucket is reached.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use object_store::{
    BackoffConfig, ClientOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, Checksum},
};

/// A text that no message shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// How a bucket is reached. The names are those of the configuration.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// The service's URL, such as `https://s3.eu-west-1.amazonaws.com`.
    pub endpoint: String,
    /// The bucket's name.
    pub bucket: String,
    /// The region by which requests are signed.
    pub region: String,
    /// What every object's path begins with, without slashes at its ends; empty for nothing.
    pub prefix: String,
    /// Who asks.
    pub access_key: Secret,
    /// The proof of it.
    pub secret_key: Secret,
    /// The storage class of what is written; `None` leaves it to the bucket.
    pub storage_class: Option<String>,
    /// An endpoint without TLS is accepted.
    pub allow_http: bool,
    /// One request, from its connection to the end of its answer, has so long.
    pub request_timeout: Duration,
    /// A connection has so long to come about.
    pub connect_timeout: Duration,
    /// A request that failed and may pass is repeated so often.
    pub retries: usize,
}

impl S3Options {
    /// A bucket, with limits that suit photos: half a minute for a request, three seconds for a connection, two repetitions.
    pub fn new(endpoint: &str, bucket: &str, access_key: Secret, secret_key: Secret) -> Self {
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            bucket: bucket.to_owned(),
            region: "us-east-1".to_owned(),
            prefix: String::new(),
            access_key,
            secret_key,
            storage_class: None,
            allow_http: endpoint.starts_with("http://"),
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(3),
            retries: 2,
        }
    }

    /// What people know the store by: endpoint, bucket and prefix.
    pub fn name(&self) -> String {
        format!("{}/{}", self.endpoint, self.bucket)
            + &if self.prefix.is_empty() { String::new() } else { format!("/{}", self.prefix) }
    }

    /// The prefix as the beginning of a path.
    pub(super) fn folder(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }

    pub(super) fn client(&self, first_only: bool) -> object_store::Result<AmazonS3> {
        let headers = first_only.then(|| [("if-none-match", HeaderValue::from_static("*"))]);
        self.builder(headers.into_iter().flatten()).with_checksum_algorithm(Checksum::SHA256).build()
    }

    /// A client whose every request carries these headers, and no checksum of its own.
    pub(super) fn builder(&self, headers: impl IntoIterator<Item = (&'static str, HeaderValue)>) -> AmazonS3Builder {
        // The library speaks TLS by whatever the process has chosen; a second choice changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let headers = headers.into_iter().map(|(name, value)| (HeaderName::from_static(name), value));
        let backoff = BackoffConfig { max_backoff: Duration::from_secs(2), ..BackoffConfig::default() };
        let retry_timeout = self.request_timeout.saturating_mul(2);
        let client = ClientOptions::new()
            .with_timeout(self.request_timeout)
            .with_connect_timeout(self.connect_timeout)
            .with_allow_http(self.allow_http)
            .with_default_headers(HeaderMap::from_iter(headers));
        AmazonS3Builder::new()
            .with_endpoint(&self.endpoint)
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_access_key_id(self.access_key.reveal())
            .with_secret_access_key(self.secret_key.reveal())
            .with_retry(RetryConfig { backoff, max_retries: self.retries, retry_timeout })
            .with_allow_http(self.allow_http)
            .with_client_options(client)
    }
}
