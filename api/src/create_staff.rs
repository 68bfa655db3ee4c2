//! `api create-staff`: gives somebody of the operator an account. There is no other way to one.

use std::io::{Read, Write};

use common::{
    accounts::{self, EmailAddress, NewStaff, Password, Passwords, PersonName},
    clock::Clock,
    config::{DatabaseArgs, DatabaseSettings, Problems},
    db::Db,
    locale::Locale,
};

/// Longer than any password: what follows is not read.
const MAX_INPUT: u64 = 4096;

/// Who, as written.
#[derive(clap::Args, Clone, Debug)]
pub struct CreateStaffArgs {
    /// Their address, with which they sign in
    #[arg(long)]
    pub email: String,

    /// Given name
    #[arg(long)]
    pub first_name: String,

    /// Family name
    #[arg(long)]
    pub last_name: String,

    /// The language of their e-mails: ru or en
    #[arg(long, env = "DEFAULT_LOCALE", default_value = "ru")]
    pub locale: String,

    /// Read the password from standard input; without it one is made up and printed, once
    #[arg(long)]
    pub password_stdin: bool,

    /// The database
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Creates the account, and prints what its owner needs to sign in.
///
/// # Errors
/// One error that lists everything that is not right; or that there is such an account already.
pub async fn run(
    args: CreateStaffArgs,
    problems: Problems,
    input: impl Read,
    mut output: impl Write,
) -> anyhow::Result<()> {
    let (database, staff, password, made_up) = args.check(problems, input)?;
    let hash = Passwords::default().hash(password.clone()).await?;
    let db = Db::new(&database)?;
    let mut tx = db.begin().await?;
    accounts::create_staff(&mut tx, Clock::system().now(), &staff, &hash).await?;
    tx.commit().await?;
    writeln!(output, "{} may sign in now", staff.email.as_str())?;
    if made_up {
        writeln!(output, "password: {}", password.reveal())?;
    }
    Ok(())
}

impl CreateStaffArgs {
    /// Checks them; says also whether the password was made up.
    fn check(
        self,
        mut problems: Problems,
        input: impl Read,
    ) -> anyhow::Result<(DatabaseSettings, NewStaff, Password, bool)> {
        let email = problems.take("--email", EmailAddress::parse(&self.email));
        let first_name = problems.take("--first-name", PersonName::parse(&self.first_name));
        let last_name = problems.take("--last-name", PersonName::parse(&self.last_name));
        let locale = problems.take("--locale", self.locale.parse::<Locale>());
        let password = if self.password_stdin {
            let mut text = String::new();
            input.take(MAX_INPUT).read_to_string(&mut text)?;
            let line = text.lines().next().unwrap_or_default();
            problems.take("--password-stdin", Password::parse(line))
        } else {
            Some(Password::generate()?)
        };
        let database = self.database.check(&mut problems);
        let checked = (|| {
            let staff =
                NewStaff { email: email?, first_name: first_name?, last_name: last_name?, locale: locale? };
            Some((database?, staff, password?, !self.password_stdin))
        })();
        problems.finish(checked)
    }
}
