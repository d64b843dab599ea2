using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace AstStream.Station.Web;

/// <summary>What the API's OpenAPI document says besides its routes.</summary>
internal static class OpenApi
{
    private const string Bearer = "token";

    public static void Configure(OpenApiOptions options) => options.AddDocumentTransformer((document, _, _) =>
    {
        document.Info = new OpenApiInfo
        {
            Title = "AstStream station",
            Version = "v1",
            Description = "Events, their sound, and what streams are like now. Errors are problem documents (RFC 9457).",
        };
        document.Servers?.Clear();
        document.AddComponent(Bearer, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            Description = "A token of station.tokens; not needed where the station is open to this machine alone.",
        });
        return Task.CompletedTask;
    });
}
