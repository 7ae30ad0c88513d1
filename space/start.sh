#!/bin/sh
# Starts the board in a Hugging Face Space: login with the Space's own provider, tables, server with one worker.
set -eu

# The Space gives these four to a container whose front matter says hf_oauth: true. Without them only tokens work.
if [ -n "${OAUTH_CLIENT_ID:-}" ] && [ -n "${OAUTH_CLIENT_SECRET:-}" ] && [ -n "${SPACE_HOST:-}" ]; then
  : "${VDC_COOKIE_SECRET:?set the secret VDC_COOKIE_SECRET of this Space to a long random text}"
  mkdir -p "$HOME/.streamlit"
  umask 077
  python3 - "$HOME/.streamlit/secrets.toml" <<'PROGRAM'
import json, os, sys

given = os.environ
provider = given.get("OPENID_PROVIDER_URL") or "https://huggingface.co"
values = {
    "redirect_uri": f"https://{given['SPACE_HOST']}/oauth2callback",
    "cookie_secret": given["VDC_COOKIE_SECRET"],
    "client_id": given["OAUTH_CLIENT_ID"],
    "client_secret": given["OAUTH_CLIENT_SECRET"],
    "server_metadata_url": f"{provider}/.well-known/openid-configuration",
}
# A text of JSON is a text of TOML, whatever quotes and backslashes a secret has; only DEL must be escaped there, too.
lines = [f"{key} = {json.dumps(text, ensure_ascii=False)}\n".replace("\x7f", "\\u007f") for key, text in values.items()]
with open(sys.argv[1], "w", encoding="utf-8") as file:
    file.writelines(["[auth]\n", *lines])
PROGRAM
fi

vdc leaderboard init
exec vdc leaderboard serve --host 0.0.0.0 --port 8321 --workers "${VDC_WORKERS:-1}"
