"""Which test decides what has gone wrong elsewhere: in products like this one, and in LLM Crafter itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lesson:
    """What went wrong, and the tests that fail if it goes wrong here; or why there is nothing to try yet.

    ``source`` is an advisory, an issue, or the section of the contract. ``until`` are words of which no path of a
    working route may have one, as long as there is nothing to try.
    """

    source: str
    what: str
    tests: tuple[str, ...] = ()
    reason: str = ""
    until: tuple[str, ...] = ()


ELSEWHERE = (
    Lesson(
        "Dify CVE-2026-41949",
        "A file could be looked at by its id, whoever's it was.",
        (
            "test_an_id_of_another_tenant_looks_like_one_that_nobody_has",
            "test_what_is_in_one_project_is_not_found_through_another",
        ),
    ),
    Lesson(
        "Dify CVE-2026-41950",
        "Somebody else's id was taken in the body of a chat, although not in a path.",
        (
            "test_ids_in_bodies_are_checked_like_ids_in_paths",
            "test_every_reference_in_a_body_or_a_query_is_tried",
            "test_no_filter_leads_to_others",
            "test_prompts_of_others_and_values_that_do_not_fit_are_refused",
        ),
    ),
    Lesson(
        "Dify CVE-2026-41947",
        "What belongs to an application could be set up for another tenant's.",
        (
            "test_an_id_of_another_tenant_looks_like_one_that_nobody_has",
            "test_what_is_in_one_project_is_not_found_through_another",
        ),
    ),
    Lesson(
        "Dify #31839",
        "Reading asked whose it was, changing on the same path did not.",
        (
            "test_a_route_refuses_all_whom_it_does_not_declare",
            "test_an_id_of_another_tenant_looks_like_one_that_nobody_has",
        ),
    ),
    Lesson(
        "Dify #38804 (GHSA-rjvp-wh38-3wpx)",
        "A list of ids was worked off although some were another tenant's.",
        (
            "test_an_id_of_others_among_ones_own_spoils_the_whole_list",
            "test_names_that_two_tenants_both_use_mean_ones_own",
        ),
    ),
    Lesson(
        "Dify #25378",
        "An end user was found by a name that two tenants may both use.",
        ("test_names_that_two_tenants_both_use_mean_ones_own",),
    ),
    Lesson(
        "Dify #36122",
        "One tenant got the traces of all, since a process had one exporter.",
        ("test_work_beside_turns_is_done_with_the_key_and_the_words_of_the_tenant_it_is_for",),
    ),
    Lesson(
        "Open WebUI CVE-2026-45349",
        "A chat could be continued that somebody else had begun.",
        (
            "test_no_program_goes_on_in_a_conversation_of_others",
            "test_ids_in_bodies_are_checked_like_ids_in_paths",
        ),
    ),
    Lesson(
        "Open WebUI CVE-2026-45671",
        "Files of others could be deleted.",
        reason="No files are kept yet.",
        until=("file}", "files", "attachments", "media"),
    ),
    Lesson(
        "LibreChat CVE-2026-31950, Langflow CVE-2026-10560",
        "Streams could be read, and answers cancelled, by their id alone.",
        (
            "test_who_may_not_watch_is_refused_before_the_stream",
            "test_an_id_of_another_tenant_looks_like_one_that_nobody_has",
            "test_no_program_goes_on_in_a_conversation_of_others",
        ),
    ),
    Lesson(
        "Flowise GHSA-c2c9-mfw7-p8hw",
        "The key of one workspace listed the flows of all.",
        (
            "test_the_list_of_projects_has_those_of_the_key_and_no_others",
            "test_what_is_in_one_project_is_not_found_through_another",
            "test_a_route_for_programs_admits_just_the_keys_that_it_should",
        ),
    ),
    Lesson(
        "Langflow GHSA-rf6x-r45m-xv3w",
        "Anybody's key could be deleted.",
        ("test_the_key_of_a_colleague_does_not_exist", "test_a_key_exists_in_its_own_organization_only"),
    ),
    Lesson(
        "Flowise CVE-2026-46480",
        "A workspace in the body of a change moved the thing there.",
        (
            "test_what_only_the_server_may_write_cannot_be_smuggled_in",
            "test_server_fields_in_a_body_change_nothing",
        ),
    ),
    Lesson(
        "Flowise CVE-2026-56276",
        "The hash of a password was in the answer to a change of the account.",
        (
            "test_no_answer_of_any_route_holds_a_secret_or_a_foreign_id",
            "test_a_profile_form_with_a_blank_password_changes_only_the_name",
            "test_a_new_account_is_signed_in_and_stored_with_bcrypt",
        ),
    ),
    Lesson(
        "Langfuse CVE-2025-59305",
        "Jobs for administrators asked only whether somebody was signed in.",
        (
            "test_a_route_refuses_all_whom_it_does_not_declare",
            "test_an_application_with_an_undeclared_route_does_not_start",
            "test_just_these_routes_are_public",
            "test_an_operator_is_not_whoever_registers_the_address_first",
        ),
    ),
    Lesson(
        "OpenAI, March 2023 (redis-py)",
        "The reply to a request that was given up went to the next user of the connection.",
        (
            "test_a_request_that_was_given_up_leaves_nothing_to_the_next_one",
            "test_readers_who_leave_all_at_once_leave_the_database_to_the_others",
            "test_a_reader_who_is_cancelled_again_and_again_cancels_the_making_once",
            "test_cancelled_reads_never_get_each_others_answers_and_spoil_no_connection",
            "test_a_call_that_is_cancelled_lets_go_of_its_connection",
        ),
    ),
    Lesson(
        "LiteLLM CVE-2026-12772, CVE-2026-12796",
        "Sessions went on after what they were begun with had been replaced.",
        ("test_a_new_password_ends_what_was_signed_in_with_the_old_one",),
    ),
    Lesson(
        "Open WebUI CVE-2026-44553",
        "Who had lost a role kept what was open.",
        (
            "test_a_colleague_who_is_removed_is_out_within_five_seconds_and_no_log_has_the_token",
            "test_a_key_that_is_revoked_is_out_within_five_seconds",
            "test_a_role_change_acts_on_the_next_request",
        ),
        reason="The answer of an agent is read to its end by whoever was let in when it began.",
    ),
    Lesson(
        "Open WebUI CVE-2026-45339",
        "What a key was limited to held for one header, and not for another.",
        (
            "test_a_keys_limits_count_together_however_it_comes",
            "test_a_route_for_programs_admits_just_the_keys_that_it_should",
        ),
    ),
    Lesson(
        "Flowise CVE-2026-41276 (GHSA-f6hc-c5jr-878p)",
        "A password could be reset with no token where none had ever been made.",
        (
            "test_a_secret_that_was_never_set_equals_nothing_that_can_be_sent",
            "test_an_operator_who_was_never_named_is_nobody",
        ),
    ),
    Lesson(
        "Flowise CVE-2025-58434",
        "The token for a new password was in the answer to whoever asked for it.",
        reason="Passwords cannot be reset yet.",
        until=("/reset", "forgot", "recover", "verify-email"),
    ),
    Lesson(
        "Flowise CVE-2026-46440",
        "A second login compared in plain text, and had no limit.",
        (
            "test_there_is_one_way_to_check_a_password_and_four_to_a_token",
            "test_a_guesser_gets_no_more_guesses_by_spelling_the_login_in_other_ways",
            "test_a_guesser_with_many_addresses_gets_no_more_guesses_at_one_account",
        ),
    ),
    Lesson(
        "Langfuse before 3.174.0",
        "Where single sign-on was enforced, a new password got around it.",
        (
            "test_where_only_providers_sign_people_in_no_password_does",
            "test_a_method_that_is_switched_off_says_which_are_on",
        ),
    ),
    Lesson(
        "LiteLLM CVE-2026-35030",
        "Tokens that began alike were taken for the same.",
        (
            "test_credentials_that_begin_alike_are_told_apart_to_their_last_character",
            "test_tokens_with_a_long_common_beginning_name_their_own_users",
        ),
    ),
    Lesson(
        "PyJWT CVE-2026-32597, CVE-2026-48523",
        "Headers that must be understood were ignored, and lists of algorithms misread.",
        ("test_what_is_no_access_token_of_ours_is_refused",),
    ),
)
"""Holes of products like this one, of which there were reports."""

UPSTREAM = (
    Lesson(
        "1.1",
        "JSON that is none was answered with a stack trace.",
        ("test_what_is_not_our_kind_of_json_is_refused_wherever_it_stands",),
    ),
    Lesson(
        "1.4",
        "Null was refused where nothing is.",
        ("test_null_counts_as_not_given_in_every_optional_field",),
    ),
    Lesson(
        "1.5",
        "Anybody could choose their own address.",
        (
            "test_a_made_up_forwarded_address_is_no_fresh_start",
            "test_forwarded_addresses_count_only_as_far_as_trusted_proxies_vouch",
        ),
    ),
    Lesson(
        "1.6",
        "A list had no longest page.",
        ("test_no_list_is_longer_than_its_limit_whatever_limit_is_asked_for",),
    ),
    Lesson(
        "2.1", "Without a lifetime nobody could log in.", ("test_an_issued_token_verifies_until_it_expires",)
    ),
    Lesson(
        "2.2",
        "A wrong domain said that the key was wrong.",
        ("test_a_key_may_be_limited_to_the_pages_of_some_domains",),
    ),
    Lesson(
        "2.2",
        "Uses of keys were counted twice, or lost when they came at once.",
        (
            "test_each_run_is_one_use_of_the_key_and_the_cache_serves_programs_and_people",
            "test_two_hundred_calls_at_once_are_two_hundred_uses",
        ),
    ),
    Lesson(
        "2.3",
        "A session did what its key was not allowed to.",
        (
            "test_a_route_for_end_users_admits_just_the_sessions_that_it_should",
            "test_the_daily_limit_of_the_key_holds_for_its_sessions_and_costs_no_interaction",
            "test_a_keys_limits_count_together_however_it_comes",
        ),
    ),
    Lesson(
        "2.3",
        "Of calls at once too many got in.",
        ("test_of_parallel_calls_no_more_get_in_than_interactions_are_left",),
    ),
    Lesson(
        "3",
        "Things were not tied to the organization in the path, and any admin was admin everywhere.",
        (
            "test_an_id_of_another_tenant_looks_like_one_that_nobody_has",
            "test_what_is_in_one_project_is_not_found_through_another",
            "test_a_route_refuses_all_whom_it_does_not_declare",
            "test_a_route_for_programs_admits_just_the_keys_that_it_should",
        ),
    ),
    Lesson("3", "A scope could not be given.", ("test_a_key_may_have_every_scope_and_every_restriction",)),
    Lesson(
        "4.1, 5.2",
        "Viewers saw the ciphertexts of storage keys, and a mask was encrypted.",
        ("test_storage_keys_are_encrypted_masked_and_kept_by_their_mask",),
    ),
    Lesson(
        "4.4",
        "Usage grew without end, and knew nothing of agents.",
        (
            "test_the_usage_of_the_key_is_summed_up_for_each_model",
            "test_a_chat_counts_on_the_key_that_it_is_asked_with",
        ),
    ),
    Lesson(
        "4.6",
        "Answers about agents had secrets in them.",
        ("test_no_answer_shows_a_secret", "test_secrets_stay_inside"),
    ),
    Lesson(
        "4.7", "The operators' stream had ciphertext.", ("test_an_operator_reads_what_is_encrypted_at_rest",)
    ),
    Lesson(
        "4.9",
        "Runs told their stack, and not how many tools they had called.",
        (
            "test_a_run_is_told_whole_but_never_what_our_code_looks_like",
            "test_what_tools_did_is_recorded_and_counted",
        ),
    ),
    Lesson(
        "5.1",
        "An address that nobody had verified opened an account, and a page repeated its token.",
        (
            "test_an_address_that_the_provider_does_not_vouch_for_opens_nothing",
            "test_a_provider_that_is_not_configured_is_not_there",
            "test_the_failure_page_repeats_only_reasons_that_are_ours",
            "test_there_is_no_page_that_shows_the_token_of_a_login",
        ),
    ),
    Lesson("5.2", "Somebody could remove the last admin.", ("test_the_last_admin_cannot_go",)),
    Lesson(
        "5.4",
        "What used a key that was deleted failed as if it were our fault.",
        ("test_a_deleted_key_is_said", "test_a_deleted_provider_key_is_said"),
    ),
    Lesson("5.5", "Anybody changed the providers of all.", ("test_only_operators_change_providers",)),
    Lesson(
        "5.8",
        "Prompts were run and tried out by people who were no members.",
        (
            "test_outsiders_are_told_nothing",
            "test_a_key_of_an_organization_that_one_is_not_in_looks_like_none",
            "test_a_viewer_may_not_spend",
        ),
    ),
    Lesson(
        "5.8",
        "Another tenant's answer came from the cache, and of first runs at once most failed.",
        (
            "test_another_prompt_with_the_same_text_has_answers_of_its_own",
            "test_another_tenant_with_the_same_prompt_never_gets_the_answer",
            "test_of_fifty_first_runs_at_once_all_are_answered_and_one_answer_is_kept",
        ),
    ),
    Lesson(
        "5.8",
        "Failures left no trace, and some providers crashed.",
        (
            "test_a_failure_of_the_vendor_has_the_contracts_sentence_and_is_noted",
            "test_every_provider_may_be_asked",
        ),
    ),
    Lesson(
        "5.9",
        "Values out of range, and models that there are not, were stored.",
        ("test_values_out_of_range_are_named", "test_the_model_is_checked_although_the_key_is_not_sent"),
    ),
    Lesson(
        "5.9",
        "Conversations stayed when their agent was deleted.",
        ("test_what_belongs_to_the_agent_is_told_that_it_is_gone",),
    ),
    Lesson("5.9", "Each save erased the secrets.", ("test_the_web_uis_round_trip_keeps_all_secrets",)),
    Lesson(
        "5.9",
        "How questions are matched was not stored.",
        ("test_questions_are_stored_and_answered_as_the_contract_says",),
    ),
    Lesson(
        "5.9",
        "Mistakes of the caller were answered with 500, which the SDK repeats.",
        (
            "test_a_conversation_of_another_agent_is_not_found",
            "test_a_task_agent_does_not_chat",
            "test_an_absent_context_may_be_null",
            "test_a_vendor_that_refuses_is_a_502_without_the_key_and_the_question_is_kept",
        ),
    ),
    Lesson(
        "5.9",
        "Each conversation claimed to have a summary.",
        ("test_a_summary_can_be_read_with_how_up_to_date_it_is",),
    ),
    Lesson(
        "5.10",
        "Cleaning up deleted the sessions of all tenants.",
        ("test_cleaning_up_deletes_what_is_over_and_only_of_the_key",),
    ),
    Lesson(
        "5.11",
        "End users had another name with each call, and sessions no end.",
        ("test_an_end_user_gets_the_answer_and_what_is_left_of_the_session",),
    ),
    Lesson(
        "5.11",
        "A project was said to be accessible without a look.",
        ("test_the_project_of_the_path_must_be_one_of_the_organization_and_of_the_key",),
    ),
    Lesson("5.11", "A route was hidden by another.", ("test_a_status_is_set_for_one_for_some_and_for_all",)),
    Lesson(
        "5.14",
        "The last month went on until now, and nothing was ever active.",
        (
            "test_the_last_month_ends_where_this_one_begins",
            "test_each_figure_equals_what_is_added_up_by_hand",
        ),
    ),
    Lesson(
        "5.15",
        "Anybody changed the tools of all, and ran any of them.",
        (
            "test_system_tools_cannot_be_changed",
            "test_tools_that_need_an_agent_are_not_executed_on_their_own",
        ),
    ),
    Lesson(
        "5.16",
        "Knowledge bases could not be searched or cleared.",
        reason="There are none yet; every route says so.",
        until=("rag/search", "rag/clear", "documents"),
    ),
    Lesson(
        "5.18",
        "Settings of channels lost their secrets, and anybody's messages were taken for a channel's.",
        ("test_a_webhook_is_not_taken_from_anybody",),
        reason="There are no channels yet; every route says so.",
        until=("webhooks",),
    ),
    Lesson(
        "6.3",
        "Each stream of a task ended with an error.",
        ("test_a_stream_has_the_contracts_frames_and_is_recorded_before_it_is_complete",),
    ),
    Lesson(
        "6.4", "A stream of nothing never ended.", ("test_who_may_not_watch_is_refused_before_the_stream",)
    ),
    Lesson(
        "7.1",
        "Titles were asked of a model that the provider does not have.",
        ("test_where_the_cheap_model_is_not_offered_the_agents_own_is_asked",),
    ),
    Lesson(
        "7.2",
        "Tools ran that were switched off, or not on the list.",
        (
            "test_a_tool_that_is_switched_off_or_retired_is_not_offered",
            "test_a_call_that_cannot_be_done_is_explained_to_the_model",
        ),
    ),
    Lesson(
        "7.2",
        "What the agent was to say at a handoff was never said.",
        ("test_without_a_message_of_the_models_the_agents_own_sentence_is_said",),
    ),
    Lesson(
        "7.5",
        "Models with a date in their name cost nothing.",
        ("test_models_of_the_table_cost_what_it_says", "test_other_models_cost_what_the_package_says"),
    ),
)
"""Defects of LLM Crafter that the contract names, by its sections."""
