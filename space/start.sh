#!/bin/sh
# Starts the board in a Hugging Face Space: login with the Space's own provider, tables, server with one worker.
set -eu

# The Space gives these four to a container whose front matter says hf_oauth: true. Without them only tokens work.
if [ -n "${OAUTH_CLIENT_ID:-}" ] && [ -n "${OAUTH_CLIENT_SECRET:-}" ] && [ -n "${SPACE_HOST:-}" ]; then
  mkdir -p "$HOME/.streamlit"
  umask 077
  cat > "$HOME/.streamlit/secrets.toml" <<SECRETS
[auth]
redirect_uri = "https://${SPACE_HOST}/oauth2callback"
cookie_secret = "${VDC_COOKIE_SECRET:?set the secret VDC_COOKIE_SECRET of this Space to a long random text}"
client_id = "${OAUTH_CLIENT_ID}"
client_secret = "${OAUTH_CLIENT_SECRET}"
server_metadata_url = "${OPENID_PROVIDER_URL:-https://huggingface.co}/.well-known/openid-configuration"
SECRETS
fi

vdc leaderboard init
exec vdc leaderboard serve --host 0.0.0.0 --port 8321 --workers "${VDC_WORKERS:-1}"
