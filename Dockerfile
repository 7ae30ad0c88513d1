# The board: API, pages and workers from one image; the command decides which.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

RUN useradd --create-home --uid 1000 vdc
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY vdc vdc
COPY scoring scoring
COPY builders builders
COPY baselines baselines
COPY leaderboard leaderboard
# What is installed is what runs: a second copy in the working folder could come before it.
RUN pip install ".[leaderboard]" && rm -rf vdc scoring builders baselines leaderboard

# Nothing of the board needs root, and a file that gets in must not be able to change the program.
RUN mkdir /data && chown vdc /data
USER vdc
# The file system may be read-only but for /data and /tmp: the benchmark comes from the Hub into a cache on /data.
ENV VDC_HOME=/data HF_HOME=/data/huggingface MPLCONFIGDIR=/tmp/matplotlib
VOLUME /data
EXPOSE 8321

HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", \
  "import urllib.request as r; r.urlopen('http://127.0.0.1:8321/healthz', timeout=4)"]

CMD ["vdc", "leaderboard", "serve", "--host", "0.0.0.0", "--port", "8321"]
