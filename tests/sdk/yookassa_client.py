"""YooKassa's own Python client against the payment sandbox: what it sends is understood, what it gets it can read.

    yookassa_client.py http://127.0.0.1:8026 SHOP_ID SECRET_KEY
"""

import json
import sys
import threading
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue

from yookassa import Configuration, Payment, Refund
from yookassa.domain.exceptions import BadRequestError, NotFoundError, UnauthorizedError
from yookassa.domain.notification import WebhookNotificationFactory

sandbox, shop_id, secret_key = sys.argv[1:]
api = {"api_url": sandbox + "/v3"}
Configuration.configure(shop_id, secret_key, **api)


class Listener(BaseHTTPRequestHandler):
    """The shop's side of notifications."""

    heard = Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.heard.put(WebhookNotificationFactory().create(json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def ask(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.status


def refused(kind, call):
    try:
        call()
    except kind:
        return
    raise AssertionError(f"expected {kind.__name__}")


def rubles(value):
    return {"value": value, "currency": "RUB"}


def heard(event, object_id):
    notice = Listener.heard.get(timeout=10)
    assert (notice.event, notice.object.id) == (event, object_id), (notice.event, notice.object.id)
    return notice


listener = HTTPServer(("127.0.0.1", 0), Listener)
threading.Thread(target=listener.serve_forever, daemon=True).start()
ask("PUT", sandbox + "/notices", {"url": f"http://127.0.0.1:{listener.server_port}/"})

key = str(uuid.uuid4())
charge = {
    "amount": rubles("100.00"),
    "capture": False,
    "confirmation": {"type": "redirect", "return_url": "https://shop.example/orders/1"},
    "description": "Заказ № 1",
    "metadata": {"order": "1"},
}

# Two steps: held on the page, taken in part.
payment = Payment.create(charge, key)
assert (payment.status, str(payment.amount.value), payment.paid) == ("pending", "100.00", False)
assert payment.metadata["order"] == "1"
assert Payment.create(charge, key).id == payment.id, "a key stands for one payment"
refused(BadRequestError, lambda: Payment.create({**charge, "amount": rubles("200.00")}, key))
refused(BadRequestError, lambda: Payment.capture(payment.id, {"amount": rubles("1.00")}))
assert ask("POST", payment.confirmation.confirmation_url) == 200
heard("payment.waiting_for_capture", payment.id)
payment = Payment.find_one(payment.id)
assert (payment.status, payment.paid) == ("waiting_for_capture", True)
assert payment.expires_at
refused(BadRequestError, lambda: Payment.capture(payment.id, {"amount": rubles("100.01")}))
payment = Payment.capture(payment.id, {"amount": rubles("60.00")})
assert (payment.status, str(payment.amount.value), payment.refundable) == ("succeeded", "60.00", True)
heard("payment.succeeded", payment.id)

# Money goes back, and no more than came.
refund_key = str(uuid.uuid4())
back = {"payment_id": payment.id, "amount": rubles("40.00"), "metadata": {"refund": "1"}}
refund = Refund.create(back, refund_key)
assert (refund.status, str(refund.amount.value), refund.payment_id) == ("succeeded", "40.00", payment.id)
heard("refund.succeeded", refund.id)
assert Refund.create(back, refund_key).id == refund.id, "a key stands for one refund"
refused(BadRequestError, lambda: Refund.create({**back, "amount": rubles("20.01")}))
assert Refund.find_one(refund.id).metadata["refund"] == "1"
assert [item.id for item in Refund.list({"payment_id": payment.id}).items] == [refund.id]
assert str(Payment.find_one(payment.id).refunded_amount.value) == "40.00"

# Held money is let go of; a bank declines; time runs out.
payment = Payment.create(charge)
ask("POST", payment.confirmation.confirmation_url)
heard("payment.waiting_for_capture", payment.id)
payment = Payment.cancel(payment.id)
assert (payment.status, payment.cancellation_details.reason) == ("canceled", "canceled_by_merchant")
heard("payment.canceled", payment.id)
payment = Payment.create(charge)
ask("POST", payment.confirmation.confirmation_url + "?decline=true")
heard("payment.canceled", payment.id)
assert Payment.find_one(payment.id).cancellation_details.reason == "general_decline"
payment = Payment.create(charge)
ask("POST", f"{sandbox}/expire/{payment.id}")
heard("payment.canceled", payment.id)
assert Payment.find_one(payment.id).cancellation_details.reason == "expired_on_confirmation"

# In one step.
payment = Payment.create({**charge, "capture": True})
ask("POST", payment.confirmation.confirmation_url)
assert heard("payment.succeeded", payment.id).object.status == "succeeded"

assert len(Payment.list().items) >= 5
refused(NotFoundError, lambda: Payment.find_one(str(uuid.uuid4())))
Configuration.configure(shop_id, "wrong", **api)
refused(UnauthorizedError, lambda: Payment.find_one(payment.id))
print("YooKassa's own client is content with the sandbox")
