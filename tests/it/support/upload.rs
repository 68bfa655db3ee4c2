//! A file in a form, as a browser sends it.

use reqwest::RequestBuilder;

/// Puts a file into a request as the field `file` of a form.
pub fn attach(request: RequestBuilder, file_name: &str, bytes: Vec<u8>) -> RequestBuilder {
    let part = reqwest::multipart::Part::bytes(bytes).file_name(file_name.to_owned());
    request.multipart(reqwest::multipart::Form::new().part("file", part))
}
