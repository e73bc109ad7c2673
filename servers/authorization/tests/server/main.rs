//! Does the authorization server do what it should, asked as clients and people ask it?

mod flow;
mod registration;
mod world;
