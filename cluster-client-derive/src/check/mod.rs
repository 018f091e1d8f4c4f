//! The rules: one function each. A message stands on the token to change and says what to write.

mod attributes;
mod item;
mod signature;

use crate::model::{Client, Item};
use crate::report::Errors;

/// The rules for the item as a whole. Where one of them is broken nothing can be generated.
pub(crate) fn item(item: &Item, errors: &mut Errors) {
    item::stands_on_a_plain_item(item, errors);
    item::has_no_generics(item, errors);
    item::has_methods_only(item, errors);
    if let Item::Trait(item) = item {
        item::async_trait_is_below(item, errors);
        item::is_send_and_sync(item, errors);
    }
    if let Item::Impl(item) = item {
        item::implements_no_trait(item, errors);
        item::is_on_a_named_type(item, errors);
    }
    item::has_an_annotated_method(item, errors);
}

/// The rules for its methods and their attributes.
pub(crate) fn client(client: &Client, item: &Item, errors: &mut Errors) {
    if matches!(item, Item::Trait(item) if item::is_expanded(item)) {
        return;
    }
    attributes::one_role_a_method(item, errors);
    attributes::no_conditional_role(item, errors);
    attributes::vis_is_the_traits_own(client, errors);
    attributes::channel_has_a_name(client, errors);
    attributes::wire_names_are_plain(client, errors);
    attributes::wire_names_are_unique(client, errors);
    attributes::one_close(client, errors);
    attributes::one_default_a_kind(client, errors);
    item::others_have_a_body(item, errors);

    for method in &client.methods {
        signature::name_is_free(method, errors);
        signature::takes_a_shared_self(method, errors);
        signature::has_no_generics(method, errors);
        signature::is_a_plain_fn(method, errors);
        signature::is_async(method, errors);
        signature::arguments_are_named(method, errors);
        signature::arguments_can_travel(method, errors);
        signature::context_comes_first(method, errors);
        signature::has_at_most_12_arguments(method, errors);
        signature::output_can_travel(method, errors);
        signature::output_suits_the_role(method, client, errors);
        signature::spells_no_self(method, client, errors);
        attributes::oneway_is_never_repeated(method, errors);
        attributes::events_are_not_kept(method, errors);
        attributes::key_names_arguments(method, errors);
        attributes::undo_takes_the_same(method, client, errors);
    }
}
