/* SPDX-License-Identifier: MIT */
#include "trial.h"

#include "suite.h"

struct trial trial_run(const char *text, const struct stub_rules *rules, const struct settings *settings)
{
    struct trial trial = { 0 };
    char complaint[COMPLAINT_BYTES] = "";
    int parsed = scenario_parse(&trial.scenario, text, "trial", complaint);
    assert_string_equal(complaint, "");
    assert_int_equal(parsed, 0);
    struct settings own = settings != NULL ? *settings : (struct settings){ .timeout_s = 5, .drain_s = 5, .seed = 1 };
    struct stub *stub = stub_start(rules);
    own.title = "trial";
    own.n_hosts = 1;
    uv_ip4_addr("127.0.0.1", stub_port(stub), (struct sockaddr_in *)&own.hosts[0].address);
    snprintf(own.hosts[0].name, sizeof(own.hosts[0].name), "127.0.0.1:%d", stub_port(stub));
    trial.result = result_new(&trial.scenario);
    trial.code = runner_run(&trial.scenario, &own, trial.result);
    trial.n_requests = stub_stop(stub);
    return trial;
}

void trial_free(struct trial *trial)
{
    result_free(trial->result);
    scenario_free(&trial->scenario);
}
