//! From a plan to its clients.

use super::{Admin, Bookkeeper, Client, GroupAdmin, Keeper, Me, Member, Onlooker, Producer, Reader, Stranger};
use crate::plan::{ClientPlan, Plan};

/// Makes a plan's client.
pub fn make(plan: &Plan, client: &ClientPlan, me: Me) -> Box<dyn Client> {
    match client {
        ClientPlan::Producer { .. } => Box::new(Producer::new(plan, client.clone(), me)),
        ClientPlan::Reader { .. } => Box::new(Reader::new(plan, client.clone(), me)),
        ClientPlan::Member { .. } => Box::new(Member::new(plan, client.clone(), me)),
        ClientPlan::Admin { .. } => Box::new(Admin::new(plan, client.clone(), me)),
        ClientPlan::Keeper { .. } => Box::new(Keeper::new(plan, client, me)),
        ClientPlan::Bookkeeper { .. } => Box::new(Bookkeeper::new(plan, client, me)),
        ClientPlan::GroupAdmin { .. } => Box::new(GroupAdmin::new(plan, client, me)),
        ClientPlan::Stranger { .. } => Box::new(Stranger::new(plan, client, me)),
        ClientPlan::Onlooker { .. } => Box::new(Onlooker::new(plan, client, me)),
    }
}
