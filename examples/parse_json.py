"""Makes a large JSON document, parses it, and says what is in it."""
import json

document = json.dumps([{"id": i, "name": f"item {i}", "tags": ["a", "b", str(i % 97)]} for i in range(200_000)])
items = json.loads(document)
print(f"{len(document):,} bytes of JSON, {len(items):,} items, {len({t for i in items for t in i['tags']})} tags")
