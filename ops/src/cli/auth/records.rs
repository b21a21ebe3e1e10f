//! `auth issuers` and `auth exchange-rules`: records that come from files.

use clap::Subcommand;
use http::Method;

use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::{Exit, Failure};
use crate::cli::input;
use crate::cli::list::{self, ListArguments};
use crate::cli::session::Session;
use crate::cli::table::{self, Table};

/// One kind of records.
pub(super) struct Records {
    /// Where they are.
    pub(super) route: &'static str,
    /// The array in lists.
    pub(super) key: &'static str,
    /// Columns of tables.
    pub(super) columns: [(&'static str, &'static str); 4],
}

/// Whose JWTs are accepted.
pub(super) const ISSUERS: Records = Records {
    route: "/v1/auth/issuers",
    key: "issuers",
    columns: [("ID", "id"), ("NAME", "name"), ("ISSUER", "issuer"), ("ACTIVE", "is_active")],
};

/// Which of them may be exchanged.
pub(super) const EXCHANGE_RULES: Records = Records {
    route: "/v1/auth/exchange-rules",
    key: "exchange_rules",
    columns: [("ID", "id"), ("NAME", "name"), ("IDENTITY", "identity_id"), ("ISSUER", "issuer_id")],
};

/// Commands of either kind.
#[derive(Subcommand)]
pub(crate) enum RecordCommand {
    /// List them, newest first
    List {
        #[command(flatten)]
        list: ListArguments,
    },
    /// Show one
    Get {
        /// Its id
        id: String,
    },
    /// Make one
    Create {
        /// JSON object as in the API, or - for standard input
        #[arg(long, value_name = "FILE")]
        file: String,
    },
    /// Change one; what the file leaves out stays
    Update {
        /// Its id
        id: String,
        /// JSON object as in the API, or - for standard input
        #[arg(long, value_name = "FILE")]
        file: String,
    },
    /// Delete one
    Delete {
        /// Its id
        id: String,
    },
}

/// Runs a command of one kind.
pub(super) async fn run(session: &Session, records: &Records, command: RecordCommand) -> Result<Exit, Failure> {
    let address = Address::new(records.route);
    match command {
        RecordCommand::List { list } => {
            list::show(session, address, &list, records.key, |rows| Table::of(rows, &records.columns)).await?;
        }
        RecordCommand::Get { id } => {
            let answer = session.send(Call::fetch(address.id(&id))).await?;
            session.output.answer(&answer, table::lines)?;
        }
        RecordCommand::Create { file } => {
            let body = input::json_object(&file).await?;
            let answer = session.send(Call::new(Method::POST, address).with_body(&body)).await?;
            session.output.answer(&answer, table::lines)?;
        }
        RecordCommand::Update { id, file } => {
            let body = input::json_object(&file).await?;
            let answer = session.send(Call::new(Method::PATCH, address.id(&id)).with_body(&body)).await?;
            session.output.answer(&answer, table::lines)?;
        }
        RecordCommand::Delete { id } => {
            session.output.confirm(&format!("Delete {id}?")).await?;
            session.send(Call::new(Method::DELETE, address.id(&id))).await?;
            session.output.done(&format!("Deleted {id}"))?;
        }
    }
    Ok(Exit::SUCCESS)
}
