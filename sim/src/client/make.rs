//! From a plan to its clients.

use super::{Admin, Client, Me, Member, Producer, Reader};
use crate::plan::{ClientPlan, Plan};

/// Makes a plan's client.
pub fn make(plan: &Plan, client: &ClientPlan, me: Me) -> Box<dyn Client> {
    match client {
        ClientPlan::Producer { .. } => Box::new(Producer::new(plan, client.clone(), me)),
        ClientPlan::Reader { .. } => Box::new(Reader::new(plan, client.clone(), me)),
        ClientPlan::Member { .. } => Box::new(Member::new(plan, client.clone(), me)),
        ClientPlan::Admin { .. } => Box::new(Admin::new(plan, client.clone(), me)),
    }
}
