package demo

import (
	"math/rand/v2"
	"strings"
)

// kind is what a visitor does.
type kind uint8

const (
	viewPage kind = iota
	clickElement
	submitForm
	addToCart
	buy
	logIn
	// What old pages send, which is rejected.
	sendOldType
	sendNoPath
	sendLocalTime
)

// types has the type of the event of each kind.
var types = [...]struct{ category, name string }{
	viewPage: {"page interaction", "pageview"}, clickElement: {"page interaction", "cta click"}, submitForm: {"form interaction", "submit"},
	addToCart: {"shop", "add to cart"}, buy: {"shop", "purchase"}, logIn: {"session", "login"},
	sendOldType: {"page interaction", "page_view"}, sendNoPath: {"page interaction", "pageview"}, sendLocalTime: {"page interaction", "pageview"},
}

// item is a product in a cart.
type item struct {
	*product

	quantity int64
}

// action is one event of a session, before it is written.
type action struct {
	at      int64 // microseconds since 1970
	kind    kind
	visitor *visitor
	plan    plan
	// page is where it happens, name the last part of its path where it has one.
	page      page
	name      string
	source    *source // on the first page view
	returning bool
	element   string // clicked
	form      string // submitted
	valid     bool   // the form
	item      item   // added to the cart
	items     []item // bought
	coupon    string // "" none
	loadTime  int64  // milliseconds
}

// visit is a session that is being made.
type visit struct {
	rng   *rand.Rand
	until int64
	left  int
	made  int
	emit  func(*action)

	now  action // its visitor, plan and page hold on
	cart []item
}

// makeSession makes the events of a session, in order of time, and returns when
// it ended, the visitor's plan at its end, and how many events there are. emit
// must not keep its argument.
func (s *Sample) makeSession(v *visitor, planned *session, emit func(*action)) (end int64, after plan, made int) {
	w := visit{
		rng: s.newRand(v.number, uint64(planned.nth)), until: s.until, left: int(planned.limit), emit: emit,
		now: action{at: planned.start, visitor: v, plan: planned.plan, returning: planned.nth > 0},
	}
	w.enterSite(planned.nth == 0)
	if w.happens(20) { // one page was enough
		return w.now.at, w.now.plan, w.made
	}
	if w.now.plan != planNone && w.happens(60) {
		w.doAction(logIn)
	}
	for w.left > 0 && !w.happens(6) {
		w.takeStep()
	}
	return w.now.at, w.now.plan, w.made
}

// happens draws with a probability in percent.
func (w *visit) happens(percent int) bool { return w.rng.IntN(100) < percent }

// doAction makes an event of the present action, and lets time pass. The first event of
// a session is always one that will be stored.
func (w *visit) doAction(k kind) {
	if w.now.at >= w.until {
		w.left = 0
	}
	if w.left == 0 {
		return
	}
	w.now.kind = k
	w.emit(&w.now)
	w.made++
	w.left--
	w.now.source = nil
	w.now.at += 900_000 + spread(w.rng, 24_000_000)
	if k < sendOldType && w.happens(1) {
		w.doAction([...]kind{sendOldType, sendOldType, sendOldType, sendNoPath, sendNoPath, sendLocalTime}[w.rng.IntN(6)])
	}
}

func (w *visit) enterSite(first bool) {
	w.now.source = w.now.visitor.source
	if !first {
		w.now.source = pick(w.rng, sources, func(o *source) int { return o.share })
	}
	w.openPage(pick(w.rng, entries, func(l *link) int { return l.share }).to)
}

// openPage goes to a page.
func (w *visit) openPage(to page) {
	w.now.page, w.now.name = to, ""
	switch to {
	case pageProduct:
		w.now.item = item{&products[w.choosePopular(len(products))], 1}
		w.now.name = w.now.item.slug
	case pagePost:
		w.now.name = posts[w.choosePopular(len(posts))]
	case pageManual:
		w.now.name = manuals[w.choosePopular(len(manuals))]
	default:
	}
	w.now.loadTime = 40 + spread(w.rng, 320)
	w.doAction(viewPage)
}

// choosePopular chooses one of n, the first ones more often.
func (w *visit) choosePopular(n int) int { return min(w.rng.IntN(n), w.rng.IntN(n)) }

// takeStep does what the present page is for, and follows a link.
func (w *visit) takeStep() {
	to := pick(w.rng, links[w.now.page], func(l *link) int { return l.share }).to
	switch w.now.page {
	case pageProduct:
		if w.happens(22) {
			w.now.item.quantity = 1 + int64(w.rng.IntN(3)*w.rng.IntN(2))
			w.cart = append(w.cart, w.now.item)
			w.doAction(addToCart)
		}
	case pageSignup:
		to = w.signUp(to)
	case pageCheckout:
		to = w.checkOut(to)
	case pageSupport:
		if w.happens(35) {
			w.now.form, w.now.valid = "contact", true
			w.doAction(submitForm)
		}
	default:
	}
	switch registered := w.now.plan != planNone; {
	case to == pageSignup && registered, to == pageAccount && !registered:
		to = pageProducts
	case to == pageCheckout && len(w.cart) == 0:
		to = pageProduct
	}
	if w.happens(40) {
		w.now.element = pages[to].element
		w.doAction(clickElement)
	}
	w.openPage(to)
}

// signUp sends the form of the sign-up, perhaps twice, and returns where it leads.
func (w *visit) signUp(otherwise page) page {
	w.now.form = "signup"
	if w.now.plan != planNone || !w.happens(55) {
		return otherwise
	}
	if w.now.valid = !w.happens(15); !w.now.valid {
		w.doAction(submitForm)
		w.now.valid = true
	}
	chosen := [...]plan{planFree, planFree, planFree, planFree, planFree, planFree, planPro, planPro, planPro, planTeam}[w.rng.IntN(10)]
	if w.left == 0 {
		return otherwise // it did not come to that
	}
	w.now.plan = chosen
	w.doAction(submitForm)
	if subscription, paid := subscriptions[chosen]; paid {
		w.cart = append(w.cart, item{&subscription, 1})
	}
	if len(w.cart) > 0 {
		return pageCheckout
	}
	return pageAccount
}

// checkOut buys the content of the cart, where the visitor is known, and returns
// where that leads.
func (w *visit) checkOut(otherwise page) page {
	switch {
	case w.now.plan == planNone && w.happens(60):
		return pageSignup
	case w.now.plan == planNone || len(w.cart) == 0 || !w.happens(62):
		return otherwise
	}
	if w.now.coupon = ""; w.happens(20) {
		w.now.coupon = "SPRING10"
	}
	w.now.items = w.cart
	w.doAction(buy)
	w.cart, w.now.items = nil, nil
	return pageAccount
}

// host and path are the address at which an action happens.
func (a *action) host() string {
	if strings.HasPrefix(pages[a.page].path, "/blog") {
		return blogHost
	}
	return shopHost
}

func (a *action) path() string { return pages[a.page].path + a.name }

// revenue is what a purchase brings, in cents.
func (a *action) revenue() int64 {
	var sum int64
	for _, i := range a.items {
		sum += i.cents * i.quantity
	}
	if a.coupon != "" {
		sum -= sum / 10
	}
	return sum
}
