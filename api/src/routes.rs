//! Where everything stands.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use salvo::{
    Router, Service, affix_state,
    catcher::Catcher,
    prelude::{CatchPanic, Timeout, max_concurrency, max_size},
};
use salvo_oapi::swagger_ui::SwaggerUi;

use crate::{
    accounts::handlers as accounts,
    addresses::handlers as addresses,
    admin,
    basket::handlers as basket,
    body,
    catalog::handlers as catalog,
    context::Services,
    heads, ids,
    imports::{export as exports, handlers as imports},
    limits::PerCaller,
    observe, operations,
    orders::handlers as orders,
    payments::{handlers as payments, staff as staff_payments},
    serve::{Bounds, Ending, Headers, Pace, Serving, Unread, cors},
    supplier::handlers as supplier,
    web,
};

/// The largest body of what people do before they are signed in, in bytes.
const MAX_AUTH_BODY: u64 = 16 << 10;

/// The API under `/api/v1`.
pub(crate) fn api(bounds: &Bounds) -> Router {
    let upload = Router::new()
        .hoop(max_concurrency(bounds.uploads))
        .hoop(Timeout::new(bounds.upload_within))
        .hoop(Pace { piece: bounds.upload_piece, within: bounds.piece_within })
        .push(Router::with_path("supplier/imports").post(imports::create_import))
        .push(
            Router::with_path("admin/suppliers/{id}/imports")
                .post(admin::imports::handlers::create_import_for_supplier),
        );
    // Files are made whole before they are sent, and find their readers slow.
    let download = Router::new()
        .hoop(max_concurrency(bounds.uploads))
        .hoop(Timeout::new(bounds.upload_within))
        .push(Router::with_path("supplier/price-list").get(exports::get_price_list))
        .push(Router::with_path("supplier/price-list/template").get(exports::get_price_list_template));
    let quick = Router::new()
        .hoop(Timeout::new(bounds.request_within))
        .hoop_when(max_size(MAX_AUTH_BODY), |req, _| req.uri().path().starts_with("/api/v1/auth/"))
        .hoop(Pace { piece: body::MAX_BYTES as u64, within: bounds.piece_within })
        .push(account())
        .push(
            Router::with_path("me/addresses").get(addresses::list_addresses).post(addresses::create_address),
        )
        .push(
            Router::with_path("me/addresses/{id}")
                .get(addresses::get_address)
                .put(addresses::put_address)
                .delete(addresses::delete_address),
        )
        .push(Router::with_path("suppliers").get(catalog::list_suppliers))
        .push(Router::with_path("suppliers/{id}").get(catalog::get_supplier))
        .push(Router::with_path("categories").get(catalog::list_categories))
        .push(Router::with_path("products").get(catalog::list_products))
        .push(Router::with_path("products/{id}").get(catalog::get_product))
        .push(Router::with_path("basket").get(basket::get_basket).delete(basket::clear_basket))
        .push(Router::with_path("basket/lines").post(basket::fill_basket))
        .push(
            Router::with_path("basket/lines/{offer_id}")
                .put(basket::put_basket_line)
                .delete(basket::delete_basket_line),
        )
        .push(Router::with_path("orders").get(orders::list_orders).post(orders::place_order))
        .push(Router::with_path("orders/{id}").get(orders::get_order))
        .push(Router::with_path("orders/{id}/payments").post(payments::create_payment))
        .push(Router::with_path("payments/{id}").get(payments::get_payment))
        .push(Router::with_path("webhooks/payments/{provider}").post(payments::receive_notice))
        .push(Router::with_path("admin/payments/{id}/capture").post(staff_payments::capture_payment))
        .push(Router::with_path("admin/payments/{id}/refunds").post(staff_payments::refund_payment))
        .push(Router::with_path("orders/{id}/cancel").post(orders::cancel_order))
        .push(Router::with_path("orders/{id}/repeat").post(orders::repeat_order))
        .push(Router::with_path("orders/{id}/parts/{part_id}/cancel").post(orders::cancel_part))
        .push(Router::with_path("orders/{id}/parts/{part_id}/received").post(orders::receive_part))
        .push(
            Router::with_path("supplier").get(supplier::get_own_supplier).patch(supplier::patch_own_supplier),
        )
        .push(Router::with_path("supplier/imports").get(imports::list_imports))
        .push(Router::with_path("supplier/imports/{id}").get(imports::get_import))
        .push(Router::with_path("supplier/imports/{id}/rows").get(imports::list_import_rows))
        .push(Router::with_path("supplier/imports/{id}/events").get(imports::watch_import))
        .push(Router::with_path("supplier/imports/{id}/apply").post(imports::apply_import))
        .push(Router::with_path("supplier/imports/{id}/discard").post(imports::discard_import))
        .push(Router::with_path("supplier/imports/{id}/revert").post(imports::revert_import))
        .push(Router::with_path("supplier/offers/{id}/history").get(supplier::get_offer_history))
        .push(Router::with_path("supplier/orders").get(supplier::list_supplier_orders))
        .push(Router::with_path("supplier/orders/{id}").get(supplier::get_supplier_order))
        .push(Router::with_path("supplier/orders/{id}/status").post(supplier::set_supplier_order_status))
        .push(admin());
    Router::with_path("api/v1").hoop(max_concurrency(bounds.requests)).push(upload).push(download).push(quick)
}

/// Accounts. What strangers may call is counted by their address, before anything is done for it.
fn account() -> Router {
    let limited = |path: &str, limit: PerCaller| Router::with_path(path).hoop(limit);
    Router::new()
        .push(limited("auth/register", PerCaller::Registrations).post(accounts::register))
        .push(Router::with_path("auth/confirm-email").post(accounts::confirm_email))
        .push(limited("auth/resend-confirmation", PerCaller::Mails).post(accounts::resend_confirmation))
        .push(limited("auth/login", PerCaller::SignIns).post(accounts::login))
        .push(Router::with_path("auth/refresh").post(accounts::refresh))
        .push(Router::with_path("auth/logout").post(accounts::logout))
        .push(limited("auth/password-reset", PerCaller::Mails).post(accounts::request_password_reset))
        .push(limited("auth/password-reset/confirm", PerCaller::SignIns).post(accounts::reset_password))
        .push(Router::with_path("me").get(accounts::me).patch(accounts::patch_me).delete(accounts::delete_me))
        .push(limited("me/password", PerCaller::SignIns).post(accounts::change_password))
}

/// What staff does, under `/api/v1/admin`.
fn admin() -> Router {
    use admin::{
        audit::handlers as audit, imports::handlers as imports, jobs::handlers as jobs,
        mail::handlers as mail, orders::handlers as orders, organizations::handlers as organizations,
        queues::handlers as queues, synonyms::handlers as synonyms, users::handlers as users,
    };

    Router::with_path("admin")
        .push(Router::with_path("orders").get(orders::list_all_orders))
        .push(Router::with_path("supplier-orders/{id}/status").post(orders::move_supplier_order))
        .push(Router::with_path("users").get(users::list_users))
        .push(Router::with_path("users/{id}").patch(users::patch_user))
        .push(Router::with_path("organizations").get(organizations::list_organizations))
        .push(Router::with_path("organizations/{id}/approve").post(organizations::approve_organization))
        .push(Router::with_path("suppliers/{id}/imports").get(imports::list_imports_of_supplier))
        .push(Router::with_path("suppliers/{id}/imports/{import_id}").get(imports::get_import_of_supplier))
        .push(
            Router::with_path("suppliers/{id}/imports/{import_id}/rows")
                .get(imports::list_import_rows_of_supplier),
        )
        .push(
            Router::with_path("suppliers/{id}/imports/{import_id}/apply")
                .post(imports::apply_import_of_supplier),
        )
        .push(
            Router::with_path("suppliers/{id}/imports/{import_id}/discard")
                .post(imports::discard_import_of_supplier),
        )
        .push(
            Router::with_path("suppliers/{id}/imports/{import_id}/revert")
                .post(imports::revert_import_of_supplier),
        )
        .push(Router::with_path("audit-log").get(audit::list_audit_log))
        .push(Router::with_path("emails").get(mail::list_emails))
        .push(Router::with_path("emails/{message}").get(mail::preview_email))
        .push(Router::with_path("messages").get(mail::list_messages))
        .push(Router::with_path("messages/resend").post(mail::resend_failed_messages))
        .push(Router::with_path("messages/{id}").get(mail::get_message))
        .push(Router::with_path("messages/{id}/resend").post(mail::resend_message))
        .push(Router::with_path("queues").get(queues::list_queues))
        .push(Router::with_path("queues/{queue}/pause").post(queues::pause_queue))
        .push(Router::with_path("queues/{queue}/resume").post(queues::resume_queue))
        .push(Router::with_path("schedules").get(queues::list_schedules))
        .push(Router::with_path("jobs").get(jobs::list_jobs))
        .push(Router::with_path("jobs/retry").post(jobs::retry_jobs))
        .push(Router::with_path("jobs/discard").post(jobs::discard_jobs))
        .push(Router::with_path("jobs/{id}").get(jobs::get_job))
        .push(Router::with_path("jobs/{id}/retry").post(jobs::retry_job))
        .push(Router::with_path("jobs/{id}/discard").post(jobs::discard_job))
        .push(Router::with_path("synonyms").get(synonyms::list_synonyms))
        .push(
            Router::with_path("synonyms/{word}").put(synonyms::put_synonym).delete(synonyms::delete_synonym),
        )
}

/// Everything that the process serves.
pub(crate) fn service(
    services: Services,
    serving: Serving,
    figures: PrometheusHandle,
    ending: Ending,
) -> Service {
    let router = Router::new()
        .hoop(CatchPanic::new())
        .hoop(affix_state::inject(Arc::new(services)).inject(figures).inject(ending.clone()))
        .push(api(&serving.bounds))
        .push(web::pages())
        .push(Router::with_path("healthz").get(operations::healthz))
        .push(Router::with_path("readyz").get(operations::readyz))
        .push(Router::with_path("metrics").get(operations::metrics))
        .push(SwaggerUi::new("/openapi.json").into_router("docs").hoop(web::restrict_docs))
        .push(Router::with_path("openapi.json").get(operations::openapi_document));
    let mut service = Service::new(heads::with_heads(ids::with_ids(router)))
        .hoop(Unread { at_most: body::MAX_BYTES as u64, within: serving.bounds.piece_within })
        .hoop(observe::observe)
        .hoop(heads::announce_length)
        .hoop(Headers { https: serving.https })
        .hoop(ending);
    if !serving.cors_origins.is_empty() {
        service = service.hoop(cors(&serving.cors_origins));
    }
    service.catcher(Catcher::new(observe::answer_unanswered))
}
