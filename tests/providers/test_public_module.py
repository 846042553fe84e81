"""The public module of providers: what it offers, and that a provider can be written against it alone."""

from __future__ import annotations

from reconciler import provider

NAMES = """
ACCESS_KEY_KEYS API_VERSION CLOCKS_APART PACES READS TERMINAL WRITES AccessKey AccountCall Action Ask AskedKey C
Caller Client Clocks Completeness CredentialSource Credentials CredentialsError Excerpts Fault Field FieldType Fixed
FoundCredentials Gateway HttpClient HttpProvider Inventory LastResort Listing Meaning Observation Operation Pace
Paging Passing Permissions PolicyLanguage Provider ProviderError ProviderOptions Quota Readings RenewingAuth
ResourceType Retries Row Scope Secret Secrets Status Surroundings Tally Target Task TaskKey Turns UnusableFile Wire
all_or_fault always base_url by_id check_sources clock_skew credentials_url header_text impossible_ids ini_section
instant json_file json_object key_in malformed masked option parsed_object presentable principal_name renewed said_in
secret_in secret_text service_url small_text task_from tasks_in temporary_key vendor_url
"""


def test_what_it_offers() -> None:
    """Whoever takes a name away, or gives it another meaning, raises API_VERSION."""
    assert provider.__all__ == NAMES.split()
    assert all(hasattr(provider, name) for name in provider.__all__)
    assert provider.API_VERSION == 1
