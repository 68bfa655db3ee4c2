//! A template or a migration that is added or removed rebuilds the crate; cargo by itself sees changes within known files
//! only.

fn main() {
    println!("cargo::rerun-if-changed=../email_templates");
    println!("cargo::rerun-if-changed=../migrations");
}
