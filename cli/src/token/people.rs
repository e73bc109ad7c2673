//! Who is known by name? The people of the workshop and what they may do.

/// Somebody whom `token` knows.
pub struct Person {
    /// The subject of the token.
    pub subject: &'static str,
    /// A name to show.
    pub name: &'static str,
    /// What the token allows.
    pub scopes: &'static [&'static str],
    /// Roles of the person.
    pub roles: &'static [&'static str],
}

/// All of them, in the order in which `--demo` makes their tokens.
pub const PEOPLE: &[Person] = &[
    Person { subject: "alice", name: "Alice", scopes: &["mcp:read", "mcp:tools"], roles: &[] },
    Person { subject: "bob", name: "Bob", scopes: &["mcp:read", "mcp:prompts"], roles: &[] },
    Person { subject: "admin", name: "Admin", scopes: &[], roles: &["admin"] },
    Person { subject: "guest", name: "Guest", scopes: &[], roles: &[] },
];

/// The person of this name; nobody else has any right.
pub fn find(subject: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.subject == subject)
}
