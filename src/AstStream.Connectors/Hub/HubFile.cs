using System.Security.Cryptography;
using System.Text;

namespace AstStream.Connectors.Hub;

/// <summary>Holds a file that is downloaded, or is to be, against what the hub says of it.</summary>
internal static class HubFile
{
    /// <summary>Bytes of a JSON file, at most.</summary>
    public const long MaxJson = 16 << 20;

    private const long MaxWeights = 16L << 30; // bytes of a file of weights; AST-base has 0.35 GB
    private const long LeastFree = 64 << 20; // bytes that stay free on the disk

    /// <summary>
    /// Refuses a file that is larger than any of its kind, or than the disk has room for, before a byte of it is fetched.
    /// </summary>
    public static void CheckSize(HubReference model, string file, long size, string part)
    {
        var most = file.EndsWith(".json", StringComparison.Ordinal) ? MaxJson : MaxWeights;
        if (size > most)
            throw new HubException($"{model}: {file} has {size} bytes; expected at most {most}. Is it what it should be?");
        var wanted = size - (File.Exists(part) ? new FileInfo(part).Length : 0);
        var free = new DriveInfo(Path.GetDirectoryName(Path.GetFullPath(part))!).AvailableFreeSpace;
        if (wanted > free - LeastFree)
            throw new HubException($"{model}: {file} needs {wanted} more bytes, and the disk of {Path.GetDirectoryName(part)} has {free} "
                + $"free; HF_HUB_CACHE names another folder");
    }

    /// <summary>Removes a file whose bytes are not those of its hash, and refuses it.</summary>
    public static void CheckHash(HubReference model, string file, string path, string etag, long size)
    {
        string found;
        using (var input = File.OpenRead(path))
        {
            if (etag.Length == 64)
            {
                found = Convert.ToHexStringLower(SHA256.HashData(input));
            }
            else
            {
                // What git calls a file: SHA-1 over "blob LENGTH\0" and the content.
#pragma warning disable CA5350 // git's hash, as the hub gives it for small files
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
#pragma warning restore CA5350
                hash.AppendData(Encoding.ASCII.GetBytes($"blob {size}\0"));
                var buffer = new byte[1 << 16];
                for (int got; (got = input.Read(buffer)) > 0;)
                    hash.AppendData(buffer.AsSpan(0, got));
                found = Convert.ToHexStringLower(hash.GetHashAndReset());
            }
        }

        if (found == etag)
            return;
        File.Delete(path);
        throw new HubException($"{model}: {file} has the hash {found}; expected {etag}. What was downloaded is removed; try again");
    }
}
