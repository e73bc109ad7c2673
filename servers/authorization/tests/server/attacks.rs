//! What attackers try, one test each.

mod anything;
mod clients;
mod codes;
mod forged;
mod histories;
mod oversized;
mod pages;
mod redirects;
mod tokens;
