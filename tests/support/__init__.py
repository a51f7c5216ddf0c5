"""What tests share: a cast, builders of records and referrals, a client of the flow, parsers."""
