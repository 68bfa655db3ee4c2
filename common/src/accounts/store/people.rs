//! People, as they see and change themselves.

use sqlx::PgConnection;

use super::Holder;
use crate::{
    accounts::{Credentials, EmailAddress, OrganizationKind, PasswordHash, Profile, ProfileChange},
    ids::{OrganizationId, UserId},
    locale::Locale,
};

/// Who has an open account with this address.
pub(in crate::accounts) async fn find_open(
    conn: &mut PgConnection,
    email: &EmailAddress,
) -> Result<Option<Holder>, sqlx::Error> {
    sqlx::query_as!(
        Holder,
        r#"
        select
            id as "id: UserId", organization_id as "organization_id: OrganizationId", email, first_name,
            locale as "locale: Locale", email_confirmed_at is not null as "settled!"
        from users
        where lower(email) = lower($1) and closed_at is null
        "#,
        email.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// What an open account's owner must know to change its password.
pub(in crate::accounts) async fn find_own_credentials(
    conn: &mut PgConnection,
    user_id: UserId,
) -> Result<Option<Credentials>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select
            u.organization_id as "organization_id: OrganizationId", o.kind as "kind: OrganizationKind",
            u.password_hash as "password_hash: PasswordHash", u.email_confirmed_at
        from users u
        join organizations o on o.id = u.organization_id
        where u.id = $1 and u.closed_at is null
        "#,
        user_id as UserId,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Credentials {
        user_id,
        organization_id: row.organization_id,
        role: row.kind.into(),
        password_hash: row.password_hash,
        confirmed_at: row.email_confirmed_at,
    }))
}

/// Sets the password of an open account, where it still has the one that it is changed from, if one is named.
pub(in crate::accounts) async fn set_password(
    conn: &mut PgConnection,
    user_id: UserId,
    from: Option<&PasswordHash>,
    to: &PasswordHash,
) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query!(
        r#"
        update users
        set password_hash = $3
        where id = $1 and closed_at is null and ($2::text is null or password_hash = $2)
        "#,
        user_id as UserId,
        from as Option<&PasswordHash>,
        to as &PasswordHash,
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}

pub(in crate::accounts) async fn change_profile(
    conn: &mut PgConnection,
    user_id: UserId,
    change: &ProfileChange,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update users
        set first_name = coalesce($2, first_name),
            last_name = coalesce($3, last_name),
            company = case when $4 then $5 else company end,
            position = case when $6 then $7 else position end,
            locale = coalesce($8, locale)
        where id = $1 and closed_at is null
        "#,
        user_id as UserId,
        change.first_name.as_ref().map(|name| name.as_str()),
        change.last_name.as_ref().map(|name| name.as_str()),
        change.company.is_some(),
        change.company.as_ref().and_then(|company| company.as_ref()).map(|company| company.as_str()),
        change.position.is_some(),
        change.position.as_ref().and_then(|position| position.as_ref()).map(|position| position.as_str()),
        change.locale as Option<Locale>,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The language of a person; the default one's, if there is no such person any more.
///
/// # Errors
/// When the database refuses.
pub async fn locale_of(conn: &mut PgConnection, user_id: UserId) -> Result<Locale, sqlx::Error> {
    let locale = sqlx::query_scalar!(
        r#"select locale as "locale: Locale" from users where id = $1"#,
        user_id as UserId
    );
    Ok(locale.fetch_optional(conn).await?.unwrap_or_default())
}

pub(in crate::accounts) async fn find_profile(
    conn: &mut PgConnection,
    user_id: UserId,
) -> Result<Option<Profile>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select
            u.id as "id: UserId", u.email, u.first_name, u.last_name, u.company, u.position,
            u.locale as "locale: Locale", o.kind as "kind: OrganizationKind"
        from users u
        join organizations o on o.id = u.organization_id
        where u.id = $1 and u.closed_at is null
        "#,
        user_id as UserId,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Profile {
        id: row.id,
        email: row.email,
        first_name: row.first_name,
        last_name: row.last_name,
        company: row.company,
        position: row.position,
        role: row.kind.into(),
        locale: row.locale,
    }))
}
