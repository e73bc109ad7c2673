//! What attackers try, one test each.

mod clients;
mod codes;
mod oversized;
mod pages;
mod redirects;
mod tokens;
