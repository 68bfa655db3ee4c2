//! `cargo dev` runs all of Postavka on this machine; its story is told in `local_stack::dev`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    // What stands in `.env` wins over the defaults of `cargo dev`.
    local_stack::dev::run(common::program::arguments()).await
}
