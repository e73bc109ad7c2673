//! What may this caller do? Scopes per MCP method, and per tool, prompt or resource.

use std::{collections::HashMap, sync::Arc};

use crate::{Identity, Needs, ScopeSet};

/// What a caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation<'a> {
    /// The method, such as `tools/call`.
    pub method: &'a str,
    /// The name of the tool or prompt, or the URI of the resource; `None` for methods that have none.
    pub name: Option<&'a str>,
}

impl<'a> Operation<'a> {
    /// This method, with a name if it has one.
    #[must_use]
    pub fn new(method: &'a str, name: Option<&'a str>) -> Self {
        Self { method, name }
    }
}

/// Decides on rights: a table of scopes, or a policy of your own.
///
/// The one place where it is decided: the gate before a call asks it, and a server that hides what a caller may not use can
/// ask it too (by [`Rights`]), so that they cannot disagree.
pub trait Decide: Send + Sync {
    /// May this caller do this?
    ///
    /// # Errors
    /// What he would need, for the challenge of a 403; an empty set when no scope would help.
    fn decide(&self, caller: &Identity, operation: &Operation<'_>) -> Result<(), Needs>;
}

/// What the caller of a request may do, in the request's extensions: for a server that lists to each caller what he may use.
#[derive(Clone)]
pub struct Rights {
    decide: Arc<dyn Decide>,
    caller: Identity,
}

impl Rights {
    pub(crate) fn new(decide: Arc<dyn Decide>, caller: Identity) -> Self {
        Self { decide, caller }
    }

    /// May he do this?
    #[must_use]
    pub fn allow(&self, operation: &Operation<'_>) -> bool {
        self.decide.decide(&self.caller, operation).is_ok()
    }
}

/// What a method needs: all scopes of one of these sets. The first set is the one to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement(Vec<ScopeSet>);

impl Requirement {
    /// A token, and nothing more.
    #[must_use]
    pub fn token() -> Self {
        Self(vec![ScopeSet::default()])
    }

    /// All of these scopes, words between blanks. A text without a word is met by nobody: a setting that was forgotten must not
    /// open what it was to close. [`token`](Self::token) is for what needs no scope.
    #[must_use]
    pub fn all(scopes: &str) -> Self {
        Self(Vec::new()).or(scopes)
    }

    /// Or else all of these; a text without a word adds nothing. A challenge asks for the first.
    #[must_use]
    pub fn or(mut self, scopes: &str) -> Self {
        let scopes: ScopeSet = scopes.split(' ').collect();
        self.0.extend(Some(scopes).filter(|scopes| !scopes.is_empty()));
        self
    }

    fn met_by(&self, granted: &ScopeSet) -> Result<(), Needs> {
        if self.0.iter().any(|needed| needed.is_subset(granted)) {
            return Ok(());
        }
        Err(Needs(self.0.first().cloned().unwrap_or_default()))
    }
}

impl From<&str> for Requirement {
    fn from(scopes: &str) -> Self {
        Self::all(scopes)
    }
}

/// Methods that are about the connection and not about anything behind it.
const OF_EVERYBODY: [&str; 3] = ["server/discover", "initialize", "ping"];

/// Scopes per method and name; a method that is not in it needs what was given to [`new`](Self::new).
///
/// ```
/// use mcp_auth::call::{Requirement, ScopeTable};
/// let table = ScopeTable::new("mcp:read")
///     .method("tools/list", Requirement::all("mcp:read").or("mcp:tools"))
///     .method("tools/call", "mcp:tools")
///     .tool("delete_file", "mcp:tools files:write")
///     .implies("files:write", "files:read")
///     .role("admin", "mcp:read mcp:tools");
/// ```
#[derive(Clone, Debug)]
pub struct ScopeTable {
    otherwise: Requirement,
    methods: HashMap<String, Requirement>,
    names: HashMap<&'static str, HashMap<String, Requirement>>,
    implied: HashMap<String, ScopeSet>,
    roles: HashMap<String, ScopeSet>,
}

impl ScopeTable {
    /// A table where every method needs this, but for `server/discover`, `initialize` and `ping`, which need a token alone.
    #[must_use]
    pub fn new(otherwise: impl Into<Requirement>) -> Self {
        let open = OF_EVERYBODY.map(|method| (method.to_owned(), Requirement::token()));
        Self {
            otherwise: otherwise.into(),
            methods: open.into_iter().collect(),
            names: HashMap::new(),
            implied: HashMap::new(),
            roles: HashMap::new(),
        }
    }

    /// What this method needs.
    #[must_use]
    pub fn method(mut self, method: &str, needs: impl Into<Requirement>) -> Self {
        self.methods.insert(method.to_owned(), needs.into());
        self
    }

    /// What this tool needs, instead of what `tools/call` needs.
    #[must_use]
    pub fn tool(self, name: &str, needs: impl Into<Requirement>) -> Self {
        self.named("tools/call", name, needs.into())
    }

    /// What this prompt needs, instead of what `prompts/get` needs.
    #[must_use]
    pub fn prompt(self, name: &str, needs: impl Into<Requirement>) -> Self {
        self.named("prompts/get", name, needs.into())
    }

    /// What the resource of exactly this URI needs, instead of what `resources/read` needs.
    #[must_use]
    pub fn resource(self, uri: &str, needs: impl Into<Requirement>) -> Self {
        self.named("resources/read", uri, needs.into())
    }

    fn named(mut self, method: &'static str, name: &str, needs: Requirement) -> Self {
        self.names.entry(method).or_default().insert(name.to_owned(), needs);
        self
    }

    /// Whoever has the broad scope has these too (A10).
    #[must_use]
    pub fn implies(mut self, broad: &str, narrow: &str) -> Self {
        self.implied.entry(broad.to_owned()).or_default().extend(narrow.split(' '));
        self
    }

    /// Whoever has this role has these scopes. A role allows nothing by itself.
    #[must_use]
    pub fn role(mut self, role: &str, scopes: &str) -> Self {
        self.roles.entry(role.to_owned()).or_default().extend(scopes.split(' '));
        self
    }

    /// What an operation needs.
    fn needed(&self, operation: &Operation<'_>) -> &Requirement {
        let named = self.names.get(operation.method).zip(operation.name);
        named
            .and_then(|(names, name)| names.get(name))
            .or_else(|| self.methods.get(operation.method))
            .unwrap_or(&self.otherwise)
    }

    /// All that the caller has: by his token, by his roles, and what those imply.
    fn granted(&self, caller: &Identity) -> ScopeSet {
        let mut granted = caller.scopes().clone();
        for role in caller.roles() {
            granted.extend(self.roles.get(role).into_iter().flat_map(ScopeSet::iter));
        }
        let mut new: Vec<String> = granted.iter().map(str::to_owned).collect();
        while let Some(broad) = new.pop() {
            for narrow in self.implied.get(&broad).into_iter().flat_map(ScopeSet::iter) {
                if !granted.contains(narrow) {
                    granted.extend([narrow]);
                    new.push(narrow.to_owned());
                }
            }
        }
        granted
    }
}

impl Decide for ScopeTable {
    fn decide(&self, caller: &Identity, operation: &Operation<'_>) -> Result<(), Needs> {
        let needed = self.needed(operation);
        // most have it by their token alone: more is looked for only where that is too little
        needed.met_by(caller.scopes()).or_else(|_| needed.met_by(&self.granted(caller)))
    }
}
