"""Messages of sites and apps, as Segment's SDKs send them: read, joined to people, stored once as activities."""
