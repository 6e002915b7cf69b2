{
 "dsseEnvelope": {
  "payload": "ewogICJfdHlwZSI6ICJodHRwczovL2luLXRvdG8uaW8vU3RhdGVtZW50L3YxIiwKICAic3ViamVjdCI6IFt7Im5hbWUiOiAibW9kZWwiLCAiZGlnZXN0IjogeyJzaGEyNTYiOiAiN2ZhYzUxYTI1N2U1OWZlMTQyYTY3NjQ4YTk3NzY4Y2Q5ZmIxYjIyMmJlNjJkODkxNzkyNmJkZThiZWQ3Yzc3ZSJ9fV0sCiAgInByZWRpY2F0ZVR5cGUiOiAiaHR0cHM6Ly9tb2RlbF9zaWduaW5nL3NpZ25hdHVyZS92MS4wIiwKICAicHJlZGljYXRlIjogewogICAgInNlcmlhbGl6YXRpb24iOiB7Im1ldGhvZCI6ICJmaWxlcyIsICJoYXNoX3R5cGUiOiAic2hhMjU2IiwgImFsbG93X3N5bWxpbmtzIjogZmFsc2V9LAogICAgInJlc291cmNlcyI6IFt7Im5hbWUiOiAiLiIsICJhbGdvcml0aG0iOiAic2hhMjU2IiwgImRpZ2VzdCI6ICIwOWQzNDNjMzdkZTBiYmExNDNiN2ZmNDVmODJjMGFiOTMwODUzMWRjYzc4YjU2YjhlYjQwYzU5MzhjNGJlNDE4In1dCiAgfQp9",
  "payloadType": "application/vnd.in-toto+json",
  "signatures": [
   {
    "keyid": null,
    "sig": "MGYCMQDX4tP31nn2FLkB2PDWgUGbj5yIg1hoe7Ia1TazXkwNzaJzzoBGP8uK9DeTE+04Ai4CMQDGEBdV7xBX4KolyVGGmHk6ILWkJJmLOPYmxr0u0lj/LKMQdkooPXtKNactylMNQX4="
   }
  ]
 },
 "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
 "verificationMaterial": {
  "publicKey": {
   "keyDetails": "PKIX_ECDSA_P384_SHA_384",
   "rawBytes": "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUhZd0VBWUhLb1pJemowQ0FRWUZLNEVFQUNJRFlnQUVNN0ZwRlkvazY3Y2RJZ01FZXdKZ1pzNExBUU85VlRQNwpkYStZUG96VHd4ci82SWtabFNJUmc5dzJ0UjUwNkZLZzV5SjNiMVBudUJubTFxbitBN1MyYjBIM0o0UjFoNzdrCjhSd2ZhSG5QZFJWaUExRis1dXI4c2ZFcEovOURZLzlNCi0tLS0tRU5EIFBVQkxJQyBLRVktLS0tLQo="
  }
 }
}