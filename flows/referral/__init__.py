"""The referral: eligibility rules, routing, and the record that is handed over."""
