//! The user of an account, as it is stored and shown.

use serde_json::{Map, Value};

use crate::heygen::auth;

/// The stored fields of a user; source: the credentials file that the HeyGen tools share.
pub(super) const USER_FIELDS: &[&str] = &["email", "first_name", "last_name", "username"];

/// Returns the fields of `user` that are stored. Absent ones are null, which removes those of another account.
pub(super) fn stored_fields(user: &Map<String, Value>) -> Map<String, Value> {
    let field =
        |name: &&str| ((*name).to_owned(), auth::text(user.get(*name)).map_or(Value::Null, Value::from));
    USER_FIELDS.iter().map(field).collect()
}

/// Returns the name to show for a user: the email address, otherwise the full name, otherwise the user name.
pub(super) fn display_name(user: &Map<String, Value>) -> String {
    let text = |name: &str| auth::text(user.get(name));
    let full = [text("first_name"), text("last_name")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let full = Some(full.as_str()).filter(|full| !full.is_empty());
    text("email").or(full).or(text("username")).unwrap_or("an unnamed account").to_owned()
}
