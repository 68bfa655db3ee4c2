//! Postavka's domain. It knows neither HTTP nor SMTP.

pub mod money;
