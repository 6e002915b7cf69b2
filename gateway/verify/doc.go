// Package verify checks what comes from a Pedigree ledger, for programs that have no gateway: proof files, signed
// statements, and folders that were registered. It needs no network and no clock, so that an answer stays the same for
// ever. It links no database, no web framework and no chaincode shim. Fabric's message definitions bring package grpc with
// them, but nothing here opens a connection or starts a server.
//
// A verifier trusts a trust file and nothing else. [ReadTrust] reads one that an organisation gave you, and [NewTrust]
// makes one from the channel's genesis block. With it,
//
//   - [Proof] verifies a proof file and says which records it proves, and by whose word;
//   - [Statement] verifies an in-toto statement that an organisation signed;
//   - [Folder] compares a folder with a manifest, [Registered] with the artifact version that a proof is of, and
//     [Signed] with a signature of OpenSSF Model Signing.
//
// What a proof proves, and what it doesn't, is in the documentation of package proof. Whoever must know that nothing was
// left out replays the ledger, with package audit.
package verify
