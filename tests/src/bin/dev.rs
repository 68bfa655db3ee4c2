//! `cargo dev` runs all of Postavka on this machine; its story is told in `local_stack::dev`.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    // A missing `.env` is no error; what stands in it wins over the defaults of `cargo dev`.
    let _absent = dotenvy::dotenv();
    local_stack::dev::run(local_stack::dev::Arguments::parse()).await
}
