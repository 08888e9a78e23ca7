//! One file a request, opening with its key, the versions served and what it does. Error codes are chosen here.
