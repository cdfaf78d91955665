package demo

import "time"

// Hosts of the shop's site.
const (
	shopHost = "shop.example.com"
	blogHost = "blog.example.com"
)

// country is where visitors live, with a share of all of them.
type country struct {
	code  string
	zone  *time.Location
	share int
}

var countries = []country{
	{"DE", mustZone("Europe/Berlin"), 30},
	{"GB", mustZone("Europe/London"), 15},
	{"FR", mustZone("Europe/Paris"), 12},
	{"US", mustZone("America/New_York"), 18},
	{"US", mustZone("America/Los_Angeles"), 8},
	{"IN", mustZone("Asia/Kolkata"), 8},
	{"BR", mustZone("America/Sao_Paulo"), 5},
	{"JP", mustZone("Asia/Tokyo"), 4},
}

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zones are embedded
	}
	return zone
}

type device struct {
	name  string
	share int
}

var devices = []device{{"desktop", 46}, {"mobile", 45}, {"tablet", 9}}

// source is how a visit comes to the site. Those without a referrer typed the
// address.
type source struct {
	referrer string
	tag      string // in the tags of the visit's page views, "" none
	share    int
}

var sources = []source{
	{"https://www.google.com/", "", 34},
	{"", "", 28},
	{"https://news.example.org/", "newsletter", 12},
	{"https://t.co/", "social", 10},
	{"https://www.bing.com/", "", 6},
	{"https://partner.example.net/coffee?ref=42", "partner", 10},
}

// habit is how often visitors come.
type habit struct {
	pause time.Duration
	share int
}

const day = 24 * time.Hour

var habits = []habit{{0, 50}, {21 * day, 22}, {8 * day, 18}, {3 * day, 10}}

// weekdayBusy and hourBusy are hundredths of the busiest, from Sunday and from
// midnight.
var (
	weekdayBusy = [7]int{50, 92, 100, 98, 95, 82, 42}
	hourBusy    = [24]int{9, 5, 3, 2, 2, 4, 12, 28, 52, 74, 88, 92, 84, 80, 86, 88, 84, 76, 74, 86, 100, 92, 60, 26}
)

// product has a price in cents.
type product struct {
	sku, slug string
	cents     int64
}

var products = []product{
	{"C-001", "house-blend", 1250},
	{"C-002", "ethiopia-yirgacheffe", 1690},
	{"C-003", "colombia-huila", 1490},
	{"C-004", "kenya-aa", 1890},
	{"C-005", "brazil-santos", 1190},
	{"C-006", "decaf", 1350},
	{"C-007", "espresso-forte", 1420},
	{"C-008", "guatemala-antigua", 1590},
	{"C-009", "sumatra-mandheling", 1640},
	{"C-010", "café-crème", 1290},
	{"G-001", "hand-grinder", 8900},
	{"G-002", "electric-grinder", 24900},
	{"B-001", "pour-over-set", 3450},
	{"B-002", "french-press", 2995},
	{"B-003", "moka-pot", 2750},
	{"B-004", "aeropress", 3900},
	{"M-001", "mug", 995},
	{"M-002", "travel-mug", 2199},
	{"F-001", "paper-filters", 450},
	{"F-002", "cloth-filter", 820},
}

// subscriptions are what the paid plans cost.
var subscriptions = map[plan]product{
	planPro:  {"S-PRO", "subscription-pro", 1900},
	planTeam: {"S-TEAM", "subscription-team", 4900},
}

var posts = []string{
	"brewing-at-home", "what-is-specialty-coffee", "grind-size", "water-matters", "our-trip-to-huila", "espresso-in-ten-minutes",
	"cold-brew", "storing-beans", "decaf-explained", "latte-art", "coffee-and-sleep", "the-best-mug",
}

var manuals = []string{"start", "delivery", "payment", "returns", "subscriptions"}

// page is a kind of page of the site.
type page uint8

const (
	pageHome page = iota
	pageProducts
	pageProduct
	pageCart
	pageCheckout
	pagePricing
	pageSignup
	pageBlog
	pagePost
	pageManual
	pageAccount
	pageSupport
)

// pages has of each kind its path, or the part before the name, and the element
// whose click leads there.
var pages = [...]struct{ path, element string }{
	pageHome: {"/", "logo"}, pageProducts: {"/products", "menu products"}, pageProduct: {"/products/", "product card"},
	pageCart: {"/cart", "cart icon"}, pageCheckout: {"/checkout", "check out"}, pagePricing: {"/pricing", "see plans"},
	pageSignup: {"/signup", "start free"}, pageBlog: {"/blog", "menu blog"}, pagePost: {"/blog/", "read more"},
	pageManual: {"/docs/", "menu help"}, pageAccount: {"/account", "account icon"}, pageSupport: {"/support", "chat bubble"},
}

// link is a way to a page, with a share of those who take one.
type link struct {
	to    page
	share int
}

var entries = []link{{pageHome, 46}, {pagePost, 20}, {pageProduct, 18}, {pagePricing, 6}, {pageProducts, 6}, {pageManual, 4}}

// links are the ways from each page.
var links = [...][]link{
	pageHome:     {{pageProducts, 30}, {pagePricing, 20}, {pageProduct, 16}, {pageBlog, 12}, {pageManual, 6}, {pageSupport, 4}, {pageAccount, 8}},
	pageProducts: {{pageProduct, 60}, {pageProducts, 10}, {pageHome, 12}, {pageCart, 8}, {pagePricing, 10}},
	pageProduct:  {{pageProducts, 35}, {pageProduct, 28}, {pageCart, 15}, {pageHome, 12}, {pageBlog, 10}},
	pageCart:     {{pageCheckout, 45}, {pageProducts, 30}, {pageProduct, 15}, {pageHome, 10}},
	pageCheckout: {{pageCart, 30}, {pageHome, 40}, {pageProducts, 30}},
	pagePricing:  {{pageSignup, 28}, {pageHome, 26}, {pageManual, 14}, {pageProducts, 24}, {pageSupport, 8}},
	pageSignup:   {{pageHome, 40}, {pagePricing, 40}, {pageManual, 20}},
	pageBlog:     {{pagePost, 65}, {pageHome, 20}, {pageProducts, 15}},
	pagePost:     {{pagePost, 30}, {pageBlog, 28}, {pageHome, 16}, {pageProduct, 16}, {pagePricing, 10}},
	pageManual:   {{pageManual, 40}, {pageHome, 25}, {pagePricing, 15}, {pageSupport, 20}},
	pageAccount:  {{pageProducts, 40}, {pageHome, 30}, {pageManual, 15}, {pageSupport, 15}},
	pageSupport:  {{pageHome, 60}, {pageManual, 40}},
}
