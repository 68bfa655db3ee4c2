//! `cargo run -p tests --bin contract` compares the API with its OpenAPI document; `local_stack::dev::contract` tells how.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    local_stack::dev::contract::run().await
}
