//! Gives runs that nobody listened to, to whoever does the work now.

use syncmgr_api::Client;
use syncmgr_api::client::ClientError;
use syncmgr_api::wire::outside::OutsidePast;
use syncmgr_center::center::Handle;
use syncmgr_model::item::Item;
use syncmgr_model::outside::Subject;
use syncmgr_model::time::Timestamp;
use syncmgr_store::spool::{Spool, Taken};

/// Gives them to a center of this process; `find` finds the sync of each.
pub(crate) fn to_center(
    spool: &Spool,
    center: &Handle,
    now: Timestamp,
    mut find: impl FnMut(&Subject) -> Result<Item, ()>,
) -> Taken {
    spool.take_in(now, |reported| {
        let item = find(&reported.subject)?;
        center.take_in(&item, reported).map(drop).map_err(drop)
    })
}

/// Gives them to the daemon. One that does not answer is not asked again.
pub(crate) fn to_daemon(spool: &Spool, client: &mut Client, now: Timestamp) -> Taken {
    let mut is_silent = false;
    spool.take_in(now, |reported| {
        if is_silent {
            return Err(());
        }
        let told = client.outside_past(&OutsidePast::from(reported));
        is_silent = matches!(&told, Err(error) if !matches!(error, ClientError::Refused(_)));
        told.map(drop).map_err(drop)
    })
}
