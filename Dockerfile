FROM python:3.11-slim

RUN useradd --system --user-group --create-home chronodesk \
    && install --directory --owner chronodesk --group chronodesk --mode 700 /var/lib/chronodesk
WORKDIR /app
# Dependencies first: they change less often than our own code.
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
USER chronodesk
EXPOSE 8080
CMD ["chronodesk", "api"]
