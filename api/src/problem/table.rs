//! The table: each code once, with its status and with its page in both languages. A code without them does not
//! compile.
//!
//! The texts are for the one who calls the API or looks at what a program of theirs was told: what happened, and
//! what they can do about it. What stands between backticks is set as code.

use salvo::http::StatusCode;

use super::ProblemTexts;

macro_rules! problems {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident = $status:ident $code:literal {
            en: $en_title:literal, $en_happened:literal, $en_remedy:literal;
            ru: $ru_title:literal, $ru_happened:literal, $ru_remedy:literal;
        }
    )+) => {
        /// What went wrong, for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemCode {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its word in answers.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Its HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// Its page in English, whose title is also in every answer.
            pub(super) fn in_english(self) -> ProblemTexts {
                match self { $(Self::$name => ProblemTexts {
                    title: $en_title, happened: $en_happened, remedy: $en_remedy,
                },)+ }
            }

            /// Its page in Russian.
            pub(super) fn in_russian(self) -> ProblemTexts {
                match self { $(Self::$name => ProblemTexts {
                    title: $ru_title, happened: $ru_happened, remedy: $ru_remedy,
                },)+ }
            }
        }
    };
}

problems! {
    /// The body is no JSON.
    MalformedJson = BAD_REQUEST "malformed_json" {
        en: "The body is not JSON",
            "The body of the request could not be read as JSON: it is cut off, has a comma too many, or is something else altogether.",
            "Look at `detail`, which names the place. Send UTF-8 JSON with `Content-Type: application/json`.";
        ru: "Тело запроса — не JSON",
            "Тело запроса не удалось прочитать как JSON: оно оборвано, в нём лишняя запятая или это вовсе не JSON.",
            "Посмотрите в `detail`: там названо место. Отправляйте JSON в UTF-8 с заголовком `Content-Type: application/json`.";
    }
    /// The request cannot be understood at all.
    BadRequest = BAD_REQUEST "bad_request" {
        en: "The request cannot be understood",
            "The request breaks the rules of HTTP, or its form has no part that is needed here.",
            "Compare it with the reference at `/docs`. A proxy or an HTTP library on the way may have changed it.";
        ru: "Запрос не удалось понять",
            "Запрос нарушает правила HTTP, или в его форме нет нужной здесь части.",
            "Сравните его со справочником на странице `/docs`. Возможно, запрос изменил прокси-сервер или HTTP-библиотека.";
    }
    /// No valid access token.
    Unauthorized = UNAUTHORIZED "unauthorized" {
        en: "Sign in first",
            "This needs somebody who is signed in, and the request carried no access token, or one that is no longer valid.",
            "Sign in with `POST /api/v1/auth/login`, or renew the session with `POST /api/v1/auth/refresh`, and send the access token as `Authorization: Bearer …`.";
        ru: "Сначала войдите",
            "Это доступно только после входа, а в запросе нет токена доступа или он уже недействителен.",
            "Войдите через `POST /api/v1/auth/login` или продлите сеанс через `POST /api/v1/auth/refresh` и отправляйте токен доступа в заголовке `Authorization: Bearer …`.";
    }
    /// Wrong e-mail or password.
    InvalidCredentials = UNAUTHORIZED "invalid_credentials" {
        en: "The e-mail or the password is wrong",
            "There is no open account with this e-mail address and this password. Which of the two is wrong is told to nobody.",
            "Check both, and the keyboard layout. If the password is lost, have it reset by `POST /api/v1/auth/password-reset`.";
        ru: "Неверный адрес или пароль",
            "Открытой учётной записи с таким адресом и таким паролем нет. Что именно неверно, мы не сообщаем никому.",
            "Проверьте и то и другое, а также раскладку клавиатуры. Забытый пароль можно сбросить через `POST /api/v1/auth/password-reset`.";
    }
    /// The refresh token's session has ended.
    SessionEnded = UNAUTHORIZED "session_ended" {
        en: "The session has ended",
            "The refresh token is unknown, expired, or was used before. Each works once; a session in which one was used twice is ended, since a stranger may have a copy.",
            "Sign in again. Keep only the newest refresh token, and let one place of your program renew it.";
        ru: "Сеанс завершён",
            "Токен обновления неизвестен, устарел или уже использован. Каждый действует один раз; сеанс, в котором токен использован дважды, завершается: копия могла оказаться у постороннего.",
            "Войдите снова. Храните только последний токен обновления и обновляйте его в одном месте программы.";
    }
    /// Another role is needed.
    Forbidden = FORBIDDEN "forbidden" {
        en: "This is for another role",
            "You are signed in, but this is for buyers, for suppliers or for staff, and your account is of another kind.",
            "Sign in with an account of the role that `detail` names.";
        ru: "Это для другой роли",
            "Вы вошли, но это доступно только покупателям, только поставщикам или только сотрудникам, а Ваша учётная запись другого вида.",
            "Войдите с учётной записью той роли, которая названа в `detail`.";
    }
    /// The address was never confirmed.
    EmailNotConfirmed = FORBIDDEN "email_not_confirmed" {
        en: "Confirm your e-mail address first",
            "The e-mail and the password are right, but the link in the confirmation letter has not been opened yet.",
            "Open the link in the letter. If it did not come, look among the spam, or ask for another with `POST /api/v1/auth/resend-confirmation`.";
        ru: "Сначала подтвердите адрес",
            "Адрес и пароль верны, но ссылка из письма с подтверждением ещё не открыта.",
            "Откройте ссылку из письма. Если письмо не пришло, посмотрите в спаме или запросите новое через `POST /api/v1/auth/resend-confirmation`.";
    }
    /// There is no such thing, or it is somebody else's.
    NotFound = NOT_FOUND "not_found" {
        en: "There is no such thing here",
            "There is nothing at this address, or what is there belongs to another organization. Nobody is told which.",
            "Check the path and the id, and whose account you are signed in with.";
        ru: "Здесь ничего нет",
            "По этому адресу ничего нет, или то, что там есть, принадлежит другой организации. Что именно, мы не сообщаем.",
            "Проверьте путь и идентификатор, а также под какой учётной записью Вы вошли.";
    }
    /// The path exists, the method does not.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" {
        en: "This method is not allowed here",
            "The address exists, but does not answer this HTTP method.",
            "Take one of the methods that the `Allow` header or the reference at `/docs` names.";
        ru: "Этот метод здесь не поддерживается",
            "Адрес существует, но на этот метод HTTP не отвечает.",
            "Используйте один из методов, которые названы в заголовке `Allow` или в справочнике на странице `/docs`.";
    }
    /// The client took too long.
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" {
        en: "The request took too long to arrive",
            "The connection was kept open, but the request did not arrive whole in time.",
            "Try again over a better connection. Large price lists are best sent by a machine near its network.";
        ru: "Запрос приходил слишком долго",
            "Соединение оставалось открытым, но запрос не пришёл целиком за отведённое время.",
            "Повторите запрос через более надёжное соединение. Большие прайс-листы лучше отправлять по быстрому каналу.";
    }
    /// The basket is empty.
    BasketEmpty = CONFLICT "basket_empty" {
        en: "The basket is empty",
            "An order is made of what is in the basket, and there is nothing in it. Perhaps it was ordered a moment ago from another window.",
            "Look at the list of orders first; then put something into the basket and confirm again.";
        ru: "Корзина пуста",
            "Заказ составляется из содержимого корзины, а в ней ничего нет. Возможно, его только что заказали из другого окна.",
            "Сначала посмотрите список заказов; затем положите товары в корзину и подтвердите заказ снова.";
    }
    /// The basket is full.
    BasketFull = CONFLICT "basket_full" {
        en: "The basket is full",
            "The basket has as many lines as a basket may have.",
            "Order what is in it, or remove lines that are not needed; then add the rest.";
        ru: "Корзина заполнена",
            "В корзине уже столько строк, сколько в ней может быть.",
            "Закажите то, что в ней есть, или уберите ненужные строки, а затем добавьте остальное.";
    }
    /// Fewer pieces are available.
    NotEnoughStock = CONFLICT "not_enough_stock" {
        en: "There is not enough in stock",
            "Fewer pieces are available than were asked for; others may have ordered them meanwhile. Nothing was ordered or changed.",
            "Take at most what `available` (or the `basket` in the answer) shows, or choose an offer of another supplier.";
        ru: "Товара недостаточно",
            "В наличии меньше, чем запрошено: возможно, часть уже заказали другие. Ничего не заказано и не изменено.",
            "Возьмите не больше, чем указано в `available` (или в корзине `basket` в ответе), либо выберите предложение другого поставщика.";
    }
    /// Fewer pieces were asked for than the supplier sends.
    BelowMinimum = CONFLICT "below_minimum" {
        en: "The supplier sends more at a time",
            "Fewer pieces were asked for than the supplier's price list has as the least of this offer; the list may have changed since. Nothing was ordered or changed.",
            "Take at least `min_quantity` pieces (each line of the `basket` in the answer has it), or choose an offer of another supplier.";
        ru: "Поставщик отпускает от большего количества",
            "Запрошено меньше, чем наименьшее количество этого предложения в прайс-листе поставщика: список мог измениться. Ничего не заказано и не изменено.",
            "Возьмите не меньше, чем указано в `min_quantity` (есть в каждой строке корзины `basket` в ответе), либо выберите предложение другого поставщика.";
    }
    /// The supplier sends whole packs only.
    NotAMultiple = CONFLICT "not_a_multiple" {
        en: "The supplier sends whole packs",
            "The quantity is no whole number of the supplier's packs; the price list may have changed since. Nothing was ordered or changed.",
            "Take `multiple` pieces (each line of the `basket` in the answer has it) or several times as many, at least `min_quantity`.";
        ru: "Поставщик отпускает целыми упаковками",
            "Запрошенное количество не делится на упаковку поставщика: прайс-лист мог измениться. Ничего не заказано и не изменено.",
            "Возьмите количество, кратное `multiple` (есть в каждой строке корзины `basket` в ответе), и не меньше `min_quantity`.";
    }
    /// A price has moved.
    PriceChanged = CONFLICT "price_changed" {
        en: "Prices have changed",
            "Since the goods were put into the basket, the supplier has changed a price. What you saw is what you pay, so nothing was ordered.",
            "Look at the new prices in `basket`. To accept them, send the same order again with its new total as `expected_total`.";
        ru: "Цены изменились",
            "С тех пор как товары положили в корзину, поставщик изменил цену. Вы платите ту цену, которую видели, поэтому ничего не заказано.",
            "Посмотрите новые цены в `basket`. Чтобы согласиться с ними, отправьте тот же заказ ещё раз, указав новый итог в `expected_total`.";
    }
    /// An offer was withdrawn.
    Withdrawn = CONFLICT "withdrawn" {
        en: "An offer was withdrawn",
            "The supplier does not sell it any more, or not at the moment. Nothing was ordered.",
            "Remove the line that `basket` marks as `withdrawn`, or take another supplier's offer of the same product.";
        ru: "Предложение снято с продажи",
            "Поставщик больше не продаёт этот товар или не продаёт его сейчас. Ничего не заказано.",
            "Уберите строку, отмеченную в `basket` словом `withdrawn`, или выберите предложение другого поставщика на тот же товар.";
    }
    /// A supplier takes no orders.
    SupplierClosed = CONFLICT "supplier_closed" {
        en: "The supplier takes no orders now",
            "The supplier has switched order taking off, or is not open for orders yet. Nothing was ordered.",
            "Try again later, or remove its lines from the basket and order the rest.";
        ru: "Поставщик сейчас не принимает заказы",
            "Поставщик выключил приём заказов или ещё не начал их принимать. Ничего не заказано.",
            "Попробуйте позже или уберите его строки из корзины и закажите остальное.";
    }
    /// There is no such step.
    IllegalTransition = CONFLICT "illegal_transition" {
        en: "The order cannot make this step",
            "An order moves from status to status along fixed steps, and there is none from where it stands, which `from` names, to the one that was asked for. Perhaps somebody has moved it meanwhile.",
            "Read the order again and choose a step that leads on from its status.";
        ru: "Такой шаг для заказа невозможен",
            "Заказ переходит из статуса в статус по определённым шагам, и из его нынешнего статуса, который назван в `from`, шага в запрошенный нет. Возможно, заказ уже перевёл кто-то другой.",
            "Получите заказ заново и выберите шаг, который возможен из его статуса.";
    }
    /// The message waits to be sent, or is being sent.
    MessageUnderWay = CONFLICT "message_under_way" {
        en: "The message is still on its way",
            "The message waits to be sent, or is being sent at this moment, so that sending it again would send it twice.",
            "Look at its story: it ends as `sent` or `failed`. Either can then be sent again.";
        ru: "Письмо ещё отправляется",
            "Письмо ждёт отправки или отправляется прямо сейчас: если отправить его ещё раз, оно придёт дважды.",
            "Посмотрите его историю: она закончится на `sent` или `failed`. После этого письмо можно отправить снова.";
    }
    /// It makes no sense to retry or discard a job where it stands.
    JobSettled = CONFLICT "job_settled" {
        en: "The job is not one to be retried or discarded",
            "What runs is left to its worker, what is done is done, and what was discarded can only be retried. Perhaps the job has moved on since you read it.",
            "Read the job again. One that runs ends by itself, at the latest when its attempt takes too long.";
        ru: "Задание нельзя повторить или отменить",
            "Выполняющееся задание остаётся за своим обработчиком, выполненное уже выполнено, а отменённое можно только повторить. Возможно, с тех пор, как вы его прочли, оно изменилось.",
            "Прочтите задание заново. Выполняющееся закончится само, самое позднее когда истечёт время попытки.";
    }
    /// An unfinished job has the key of one that is to be retried.
    JobKeyTaken = CONFLICT "job_key_taken" {
        en: "Another job does the same",
            "An unfinished job of the queue has the key of this one, which means that it does the same work. Two of them at once would do it twice.",
            "Look at the other job: it has the same `key`, and is `ready` or `running`. When it has done the work, this one can be discarded.";
        ru: "Ту же работу делает другое задание",
            "В очереди есть незаконченное задание с тем же ключом: оно делает ту же работу. Два сразу сделали бы её дважды.",
            "Посмотрите другое задание: у него тот же `key` и состояние `ready` или `running`. Когда оно закончит, это можно отменить.";
    }
    /// What a job is about has ended.
    JobPointless = CONFLICT "job_pointless" {
        en: "Trying the job again would do nothing",
            "What the job is about has come to its end meanwhile, in another way or with the job itself. `detail` says which.",
            "Begin anew with the thing itself: send the message again, or have the price list uploaded again. The job can be discarded.";
        ru: "Повторять задание бессмысленно",
            "То, ради чего было задание, уже завершилось: иначе или вместе с самим заданием. Подробности в `detail`.",
            "Начните заново с самого предмета: отправьте письмо ещё раз или попросите загрузить прайс-лист снова. Задание можно отменить.";
    }
    /// The order is paid.
    AlreadyPaid = CONFLICT "already_paid" {
        en: "This is paid already",
            "The money for this was received, or is held on a card, so it is not asked for again.",
            "Nothing is to be done. Read the order or the payment again to see how it stands.";
        ru: "Это уже оплачено",
            "Деньги уже получены или заблокированы на карте, поэтому второй раз оплата не запрашивается.",
            "Ничего делать не нужно. Получите заказ или платёж заново, чтобы увидеть, в каком он состоянии.";
    }
    /// The card's money is not ours, or not even held.
    NotPaid = CONFLICT "not_paid" {
        en: "This is not paid",
            "The order is paid by card, and its money is not there: it was not taken yet, or what was held on the card was lost. Goods are sent once the money was taken, and before it is held an order can only be canceled.",
            "The money is taken as soon as every supplier has answered; try again a little later. If it was lost, the buyer was asked to pay again, and the order goes on when they do.";
        ru: "Это не оплачено",
            "Заказ оплачивается картой, а денег нет: они ещё не списаны или блокировка на карте снята. Товары отправляются только после списания, а пока деньги не заблокированы, заказ можно лишь отменить.",
            "Деньги списываются, как только ответят все поставщики; повторите немного позже. Если блокировка снята, покупателя уже попросили оплатить заново, и тогда заказ пойдёт дальше.";
    }
    /// Nothing of the order is left.
    NothingToPay = CONFLICT "nothing_to_pay" {
        en: "Nothing is left to pay",
            "Every part of the order was canceled or refused, so there is nothing to pay for.",
            "If the goods are still needed, order them again.";
        ru: "Оплачивать нечего",
            "Все части заказа отменены или отклонены, поэтому оплачивать в нём нечего.",
            "Если товары ещё нужны, оформите заказ заново.";
    }
    /// It is no invoice that waits for its money.
    NotWaiting = CONFLICT "not_waiting" {
        en: "This is no invoice that waits for its money",
            "Only an invoice that is open can be marked paid. This payment is by card, which is followed by itself, or the invoice was canceled with its part of the order.",
            "Read the payment again. Money that came for a canceled invoice goes back by hand.";
        ru: "Это не счёт, ожидающий оплаты",
            "Отметить оплаченным можно только открытый счёт. Этот платёж картой, за ним система следит сама, либо счёт отменён вместе со своей частью заказа.",
            "Получите платёж заново. Деньги, пришедшие по отменённому счёту, возвращаются вручную.";
    }
    /// Less is left of what came.
    RefundTooLarge = CONFLICT "refund_too_large" {
        en: "Less is left of this payment",
            "No more can go back than came, and some of it may have gone back before or be on its way. `left` says how much can still go back.",
            "Ask for `left` at most.";
        ru: "От платежа осталось меньше",
            "Вернуть можно не больше, чем получено, а часть могла быть возвращена раньше или уже возвращается. Сколько ещё можно вернуть, указано в `left`.",
            "Запросите не больше, чем указано в `left`.";
    }
    /// Nobody of the staff could sign in any more.
    LastStaff = CONFLICT "last_staff" {
        en: "This is the last open account of the staff",
            "If it were closed, nobody could approve organizations or open accounts any more.",
            "Give somebody else an account first (`api create-staff`), or open a closed one again.";
        ru: "Это последняя открытая учётная запись сотрудников",
            "Если её закрыть, никто больше не сможет одобрять организации и открывать учётные записи.",
            "Сначала создайте учётную запись другому сотруднику (`api create-staff`) или снова откройте закрытую.";
    }
    /// A part was sent already.
    NotCancelable = CONFLICT "not_cancelable" {
        en: "It is too late to cancel",
            "A part of what was to be canceled is on its way or has arrived. Nothing was canceled.",
            "Cancel the parts that were not sent yet one by one, and ask the supplier about the others.";
        ru: "Отменить уже нельзя",
            "Часть того, что нужно было отменить, уже в пути или доставлена. Ничего не отменено.",
            "Отмените ещё не отправленные части по отдельности, а об остальных договоритесь с поставщиком.";
    }
    /// The organization keeps as many addresses as it may.
    TooManyAddresses = CONFLICT "too_many_addresses" {
        en: "There are too many addresses",
            "Your organization keeps as many addresses as it may.",
            "Delete one that is not needed any more. Orders keep the addresses that they were made with.";
        ru: "Слишком много адресов",
            "Ваша организация уже хранит столько адресов, сколько может.",
            "Удалите адрес, который больше не нужен. В заказах адреса, с которыми они оформлены, сохранятся.";
    }
    /// Too many price lists of the supplier wait.
    TooManyImports = CONFLICT "too_many_imports" {
        en: "Too many price lists are waiting",
            "As many price lists of this supplier as may wait are not through yet. This one was not taken.",
            "Wait until one has ended, and upload it then. Each list is applied, one after the other; one that is still being fetched you can discard.";
        ru: "Слишком много прайс-листов в очереди",
            "В очереди уже столько прайс-листов этого поставщика, сколько может быть. Этот не принят.",
            "Дождитесь, пока загрузится один из них, и отправьте этот снова. Применяется каждый, один за другим; тот, который ещё скачивается по адресу, можно отклонить.";
    }
    /// An import that is to be applied or discarded does not wait for that.
    ImportNotWaiting = CONFLICT "import_not_waiting" {
        en: "The price list waits for nobody",
            "This price list is on its way or has ended, so there is nothing to decide. Nothing was changed.",
            "Look at the import: its `status` says what became of it.";
        ru: "Прайс-лист не ждёт решения",
            "Этот прайс-лист уже загружается или его загрузка закончилась, и решать нечего. Ничего не изменено.",
            "Посмотрите на загрузку: её `status` говорит, чем она закончилась.";
    }
    /// What an import would change has changed since it was shown.
    ImportOutdated = CONFLICT "import_outdated" {
        en: "The preview is out of date",
            "Offers of this price list have changed since it was compared with them: another list was applied, or goods were sent. Nothing was changed.",
            "Upload the list again, and decide on what it would change now.";
        ru: "Предварительный просмотр устарел",
            "Предложения из этого прайс-листа изменились с тех пор, как он был с ними сравнён: применён другой прайс-лист или товар отгружен. Ничего не изменено.",
            "Отправьте прайс-лист снова и решайте по тому, что он изменит теперь.";
    }
    /// Another import of the supplier is under way.
    ImportUnderWay = CONFLICT "import_under_way" {
        en: "Another price list is being imported",
            "A price list of this supplier is on its way into the catalogue, and may change what this one was compared with. Nothing was changed.",
            "Wait until it has ended, and try again then.";
        ru: "Загружается другой прайс-лист",
            "Другой прайс-лист этого поставщика сейчас загружается и может изменить то, с чем этот был сравнён. Ничего не изменено.",
            "Дождитесь, пока он загрузится, и попробуйте снова.";
    }
    /// An import cannot be taken back.
    ImportNotRevertible = CONFLICT "import_not_revertible" {
        en: "The import cannot be taken back",
            "This import was not applied, or what it has changed is not kept any more. Nothing was changed.",
            "Upload the list that should be in the catalogue instead.";
        ru: "Загрузку нельзя отменить",
            "Эта загрузка не была применена, или уже не хранится, что она изменила. Ничего не изменено.",
            "Вместо этого отправьте прайс-лист, который должен быть в каталоге.";
    }
    /// Nobody of the supplier has confirmed an address.
    SupplierUnconfirmed = CONFLICT "supplier_unconfirmed" {
        en: "The supplier is not confirmed",
            "Nobody of this supplier has confirmed an e-mail address yet, so its registration may still start afresh.",
            "Ask the supplier to follow the link in its e-mail, and upload the price list then.";
        ru: "Поставщик не подтверждён",
            "Никто из этого поставщика ещё не подтвердил адрес электронной почты, и его регистрация может начаться заново.",
            "Попросите поставщика открыть ссылку из письма, а потом загрузите прайс-лист.";
    }
    /// The first request with the key still runs.
    IdempotencyInFlight = CONFLICT "idempotency_in_flight" {
        en: "The first request is still running",
            "Another request with the same `Idempotency-Key` is being worked on at this moment.",
            "Wait a second and send the same request with the same key again: it gets the first one's answer.";
        ru: "Первый запрос ещё выполняется",
            "Другой запрос с тем же `Idempotency-Key` обрабатывается прямо сейчас.",
            "Подождите секунду и отправьте тот же запрос с тем же ключом: Вы получите ответ на первый.";
    }
    /// The body is too large.
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large" {
        en: "The body is too large",
            "The request is larger than what is taken at this address.",
            "Split it into several. A price list may be up to 512 MiB, most other requests far less.";
        ru: "Тело запроса слишком велико",
            "Запрос больше, чем принимается по этому адресу.",
            "Разделите его на несколько. Прайс-лист может занимать до 512 МиБ, большинство других запросов — гораздо меньше.";
    }
    /// The body has another content type.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" {
        en: "This content type is not taken here",
            "The `Content-Type` of the request is not one that this address takes, or it is missing.",
            "Send `application/json`, and price lists as `multipart/form-data`; `detail` and the reference at `/docs` say which.";
        ru: "Такой тип содержимого здесь не принимается",
            "Заголовок `Content-Type` называет тип, который по этому адресу не принимается, или этого заголовка нет.",
            "Отправляйте `application/json`, а прайс-листы — `multipart/form-data`; что именно нужно, сказано в `detail` и в справочнике на странице `/docs`.";
    }
    /// Some fields are wrong.
    ValidationFailed = UNPROCESSABLE_ENTITY "validation_failed" {
        en: "Some values are not right",
            "The request could be read, but some of its values are missing, malformed, out of range or unknown. Nothing was changed.",
            "The list `errors` names every one of them: `pointer` says where it stands, `detail` what was expected. Mend them all and send the request again.";
        ru: "Некоторые значения неверны",
            "Запрос прочитан, но некоторых значений нет, или они записаны неверно, выходят за пределы либо неизвестны. Ничего не изменено.",
            "Список `errors` называет каждое: `pointer` — где оно стоит, `detail` — что ожидалось. Исправьте все и отправьте запрос снова.";
    }
    /// The link's token is unknown, used or expired.
    TokenInvalid = UNPROCESSABLE_ENTITY "token_invalid" {
        en: "The link is not valid any more",
            "The link from the letter was used already, has expired, or was replaced by a newer one.",
            "Take the link of the newest letter, or ask for a new letter.";
        ru: "Ссылка больше не действует",
            "Ссылка из письма уже использована, устарела или заменена более новой.",
            "Откройте ссылку из самого нового письма или запросите новое письмо.";
    }
    /// The key was used for another request.
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY "idempotency_key_reused" {
        en: "The key was used for another request",
            "An `Idempotency-Key` stands for one request: its method, address and body. This key came before with something else.",
            "Make a new key for each new request, a UUID for example, and repeat a key only with exactly the same request.";
        ru: "Ключ уже использован для другого запроса",
            "`Idempotency-Key` обозначает один запрос: его метод, адрес и тело. Этот ключ уже приходил с чем-то другим.",
            "Создавайте для каждого нового запроса новый ключ, например UUID, и повторяйте ключ только с точно таким же запросом.";
    }
    /// No such payment method here.
    PaymentMethodUnavailable = UNPROCESSABLE_ENTITY "payment_method_unavailable" {
        en: "This payment method is not available",
            "Cards are taken only where a card provider is set up, and invoices only for organizations that have been approved.",
            "Choose the other `payment_method`, or ask the operator to approve your organization.";
        ru: "Этот способ оплаты недоступен",
            "Картой можно платить, только если подключён платёжный провайдер, а по счёту — только одобренным организациям.",
            "Выберите другой `payment_method` или попросите оператора одобрить Вашу организацию.";
    }
    /// The total is beyond what can be kept.
    TotalTooLarge = UNPROCESSABLE_ENTITY "total_too_large" {
        en: "The total is too large",
            "The sum of the order is beyond what can be kept and paid as one.",
            "Split it into several orders, and check the quantities.";
        ru: "Сумма слишком велика",
            "Сумма заказа больше, чем можно учесть и оплатить за один раз.",
            "Разделите его на несколько заказов и проверьте количества.";
    }
    /// The form has no place for the list.
    NotExportable = CONFLICT "not_exportable" {
        en: "The price list does not fit into this form",
            "A table has at most 1,000 columns, of which each parameter needs one, and a sheet of a workbook at most 1,048,575 goods. This list has more.",
            "Take it with `format=yaml`, which has no such limits.";
        ru: "Прайс-лист не помещается в этот формат",
            "В таблице не больше 1000 столбцов, и каждому параметру нужен свой, а на листе книги — не больше 1 048 575 товаров. В этом прайс-листе больше.",
            "Возьмите его с `format=yaml`, где таких ограничений нет.";
    }
    /// Something here is broken.
    Internal = INTERNAL_SERVER_ERROR "internal" {
        en: "Something went wrong on our side",
            "The request ran into an error of ours. It has been written down with the request's id.",
            "Try again; with an `Idempotency-Key` nothing happens twice. If it stays, tell the operator the `request_id`.";
        ru: "Ошибка на нашей стороне",
            "При выполнении запроса произошла наша ошибка. Она записана вместе с идентификатором запроса.",
            "Повторите запрос: с `Idempotency-Key` ничего не произойдёт дважды. Если ошибка остаётся, сообщите оператору `request_id`.";
    }
    /// It was tried too often; `Retry-After` says when it may be again.
    TooManyRequests = TOO_MANY_REQUESTS "too_many_requests" {
        en: "This was tried too often",
            "From this address, or with this account, the same was asked so often that we suspect a machine that guesses or floods. Nothing is locked: the count starts anew by itself.",
            "Wait as many seconds as `Retry-After` says and try again. If many people share your address, ask the operator to raise the limit.";
        ru: "Слишком много попыток",
            "С этого адреса или для этой учётной записи одно и то же запрашивали так часто, что это похоже на подбор или перегрузку. Ничего не заблокировано: счёт начнётся заново сам.",
            "Подождите столько секунд, сколько указано в `Retry-After`, и попробуйте снова. Если одним адресом пользуются многие, попросите оператора повысить предел.";
    }
    /// Too much at once, or the database is away.
    Unavailable = SERVICE_UNAVAILABLE "unavailable" {
        en: "The service is busy; try again soon",
            "There is more to do at this moment than can be done at once, or the database is away for a moment. The request was refused rather than left waiting.",
            "Wait as many seconds as `Retry-After` says and send the same request again, with an `Idempotency-Key` where it creates something.";
        ru: "Сервис перегружен, повторите чуть позже",
            "Сейчас запросов больше, чем можно обработать сразу, или база данных ненадолго недоступна. Запрос отклонён, чтобы не заставлять Вас ждать.",
            "Подождите столько секунд, сколько указано в `Retry-After`, и отправьте тот же запрос снова, а если он что-то создаёт — с `Idempotency-Key`.";
    }
}
