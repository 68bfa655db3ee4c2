//! What the server decides in a conversation; `mailin` knows the protocol.

use std::{
    io, mem,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use mailin::{Handler, Response, Session, SessionBuilder, response};

use super::{
    PostOffice,
    faults::{FaultKind, Stage},
};

/// How large a message may be, and how many recipients it may have.
const MAX_MESSAGE_BYTES: usize = 10 << 20;
const MAX_RECIPIENTS: usize = 100;

/// What to do instead of sending `mailin`'s answer.
#[derive(Debug)]
pub(super) enum Instead {
    Answer(Response),
    Hang,
    HangUp,
}

impl From<FaultKind> for Instead {
    fn from(kind: FaultKind) -> Self {
        match kind {
            FaultKind::Temporary => Self::Answer(custom(451, "4.3.0 Try again later, as requested")),
            FaultKind::Permanent => Self::Answer(custom(550, "5.1.1 No such mailbox, as requested")),
            FaultKind::Hang => Self::Hang,
            FaultKind::Drop => Self::HangUp,
        }
    }
}

/// The decisions of one conversation: they reach whoever conducts it through this.
pub(super) type Decision = Arc<Mutex<Option<Instead>>>;

/// Begins a conversation.
pub(super) fn begin(client: IpAddr, office: Arc<PostOffice>) -> (Session<impl Handler + Send>, Decision) {
    let decision = Decision::default();
    let clerk = Clerk { office, decision: Arc::clone(&decision), mail: Mail::default() };
    (SessionBuilder::new("mail-catcher.localhost").build(client, clerk), decision)
}

/// The message that is being received.
#[derive(Default)]
struct Mail {
    from: String,
    to: Vec<String>,
    raw: Vec<u8>,
    too_large: bool,
}

struct Clerk {
    office: Arc<PostOffice>,
    decision: Decision,
    mail: Mail,
}

impl Clerk {
    fn decide(&self, instead: Instead) {
        *self.decision.lock().unwrap_or_else(PoisonError::into_inner) = Some(instead);
    }

    /// Keeps the message unless something is wrong with it or asked to go wrong.
    fn deliver(&self, mail: Mail) -> Option<Instead> {
        if mail.too_large {
            return Some(Instead::Answer(response::NO_STORAGE));
        }
        let fault = {
            let mut faults = self.office.faults();
            mail.to.iter().find_map(|recipient| faults.strike(recipient, Stage::Data))
        };
        if matches!(fault, None | Some(FaultKind::Drop)) {
            self.office.mailbox().keep(mail.from, mail.to, &mail.raw);
        }
        fault.map(Instead::from)
    }
}

impl Handler for Clerk {
    fn mail(&mut self, _client: IpAddr, _domain: &str, from: &str) -> Response {
        self.mail = Mail { from: from.to_owned(), ..Mail::default() };
        response::OK
    }

    fn rcpt(&mut self, recipient: &str) -> Response {
        if self.mail.to.len() == MAX_RECIPIENTS {
            return custom(452, "4.5.3 Too many recipients");
        }
        let fault = {
            let mut faults = self.office.faults();
            faults.count_attempt(recipient);
            faults.strike(recipient, Stage::Recipient)
        };
        match fault.map(Instead::from) {
            Some(Instead::Answer(refusal)) => return refusal,
            Some(other) => self.decide(other),
            None => self.mail.to.push(recipient.to_owned()),
        }
        response::OK
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        // An error would be answered at once, in the middle of the message; what is too much is refused at its end.
        if self.mail.raw.len() + line.len() > MAX_MESSAGE_BYTES {
            self.mail.too_large = true;
        } else {
            self.mail.raw.extend_from_slice(line);
        }
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let mail = mem::take(&mut self.mail);
        if let Some(instead) = self.deliver(mail) {
            self.decide(instead);
        }
        // Told of a refusal, mailin would take the client's next command for more of the message: it hears "OK",
        // and the client hears the decision.
        response::OK
    }
}

fn custom(code: u16, text: &str) -> Response {
    Response::custom(code, text.to_owned())
}
