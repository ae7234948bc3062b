package api

import (
	"net/http"
	"net/url"
	"strings"
)

// route is an operation as server and client know it.
type route struct {
	id     string // operationId
	method string
	path   string // {name} stands for a part of it
}

// The routes, in the order of Service.
var (
	routeStart      = route{"startReplay", http.MethodPost, "/v1/replays"}
	routeReplays    = route{"listReplays", http.MethodGet, "/v1/replays"}
	routeReplay     = route{"getReplay", http.MethodGet, "/v1/replays/{id}"}
	routePause      = route{"pauseReplay", http.MethodPost, "/v1/replays/{id}/pause"}
	routeResume     = route{"resumeReplay", http.MethodPost, "/v1/replays/{id}/resume"}
	routePace       = route{"setPace", http.MethodPut, "/v1/replays/{id}/pace"}
	routeCancel     = route{"cancelReplay", http.MethodPost, "/v1/replays/{id}/cancel"}
	routeApprove    = route{"approveReplay", http.MethodPost, "/v1/replays/{id}/approve"}
	routeForget     = route{"forgetReplay", http.MethodDelete, "/v1/replays/{id}"}
	routeReceipt    = route{"getReceipt", http.MethodGet, "/v1/replays/{id}/receipt"}
	routeQuarantine = route{"listQuarantine", http.MethodGet, "/v1/replays/{id}/quarantine"}
	routeOffsets    = route{"getOffsets", http.MethodGet, "/v1/replays/{id}/offsets"}
	routeGroup      = route{"getGroup", http.MethodGet, "/v1/replays/{id}/groups/{group}"}
	routePlan       = route{"planReplay", http.MethodPost, "/v1/plan"}
	routeArchives   = route{"listArchives", http.MethodGet, "/v1/archives"}
	routeHours      = route{"listHours", http.MethodGet, "/v1/archives/{name}/hours"}
	routeAudit      = route{"listAudit", http.MethodGet, "/v1/audit"}
	routeEvents     = route{"watchReplays", http.MethodGet, "/v1/events"}
	routeEventsOf   = route{"watchReplay", http.MethodGet, "/v1/replays/{id}/events"}
	routeVersion    = route{"getVersion", http.MethodGet, "/version"}
	routeReady      = route{"getReadiness", http.MethodGet, "/readyz"}
	routeHealth     = route{"getHealth", http.MethodGet, "/healthz"}
	routeMetrics    = route{"getMetrics", http.MethodGet, "/metrics"}
	routeJSON       = route{"getDocument", http.MethodGet, "/openapi.json"}
	routeYAML       = route{"getDocumentYAML", http.MethodGet, "/openapi.yaml"}
)

// routes are all of them.
var routes = []route{
	routeStart, routeReplays, routeReplay, routePause, routeResume, routePace, routeCancel, routeApprove, routeForget, routeReceipt,
	routeQuarantine, routeOffsets, routeGroup, routePlan, routeArchives, routeHours, routeAudit, routeEvents, routeEventsOf,
	routeVersion, routeReady, routeHealth, routeMetrics, routeJSON, routeYAML,
}

// open are the routes that need no login: probes of an orchestrator have none, and the document is public.
var open = map[string]bool{
	routeHealth.pattern(): true, routeReady.pattern(): true, routeJSON.pattern(): true, routeYAML.pattern(): true,
}

// pattern is how http.ServeMux calls it.
func (r route) pattern() string { return r.method + " " + r.path }

// with is the path with the values of its parts, in their order.
func (r route) with(values ...string) string {
	path := r.path
	for _, v := range values {
		begin, end := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		path = path[:begin] + url.PathEscape(v) + path[end+1:]
	}
	return path
}
