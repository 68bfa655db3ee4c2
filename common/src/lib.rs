//! Postavka's domain. It knows neither HTTP nor SMTP.

pub mod imports;
pub mod money;
