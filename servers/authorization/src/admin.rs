//! What can the operator change beside a running server? Who may log in, which key signs, and which clients have registered.

mod clients;
mod keys;
mod turn;
mod user;

use std::path::PathBuf;

pub(crate) use self::{
    clients::Clients,
    keys::Keys,
    user::{User, listed},
};
use crate::settings::Settings;

/// The folder of data, as the server would find it.
fn folder(settings: &Settings) -> anyhow::Result<PathBuf> {
    settings.service.data(settings.url().is_development())
}
