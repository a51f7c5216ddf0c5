"""The database: tables, transactions, encryption, retention; personal data only sealed."""
