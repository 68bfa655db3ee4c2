//! TLS towards others: one implementation, rustls on ring.

/// Makes ring what TLS clients compute with. Every process that makes an HTTP client says so first; again does nothing.
pub fn use_ring() {
    _ = rustls::crypto::ring::default_provider().install_default();
}
